/* Help, the manual page and shell completions: all from the table of commands. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

int put_version(void)
{
    const char *level;
    if (tarn_cpu(&level, NULL) != TARN_OK) {
        return EXIT_USAGE; /* main() has said why */
    }
    printf("tarn %s (%s, CPU level %s)\n%s\n", tarn_version(), tarn_build(), level,
           tarn_libraries());
    return EXIT_DONE;
}

/* The next that help and completions tell of, or NULL. */
static const option *listed(const option *o)
{
    while (o != NULL && o->name != NULL && o->doc == NULL) {
        o++;
    }
    return o != NULL && o->name != NULL ? o : NULL;
}

static void put_option(const option *o)
{
    char left[96];
    const bool choice = o->argument != NULL && strchr(o->argument, '|') != NULL;
    (void)snprintf(left, sizeof(left), "%s%c%s --%s%s%s", o->letter == 0 ? "  " : "-",
                   o->letter == 0 ? ' ' : o->letter, o->letter == 0 ? "" : ",", o->name,
                   o->argument == NULL ? "" : " ",
                   o->argument == NULL ? ""
                   : choice            ? "WHICH"
                                       : o->argument);
    printf("  %-28s %s\n", left, o->doc);
    if (choice) {
        printf("  %-28s %s\n", "", o->argument);
    }
}

static void put_options(const option *options)
{
    for (; (options = listed(options)) != NULL; options++) {
        put_option(options);
    }
}

int put_help(const command *about)
{
    if (about == NULL) {
        puts("Tarn turns files and events into trustworthy tables.\n");
        for (size_t i = 0; i < command_count; i++) {
            printf("  tarn %-9s %s\n", commands[i].name, commands[i].summary);
        }
        puts("\n'tarn help COMMAND' explains one by example, 'tarn --version' names the build.\n"
             "'tarn -c SQL' is short for 'tarn query SQL'.\n\nOptions of every command:");
        put_options(common_options);
        return EXIT_DONE;
    }
    printf("usage: tarn %s%s%s\n\n%s\n", about->name, about->usage[0] == '\0' ? "" : " ",
           about->usage, about->about);
    if (about->options != NULL && about->options->name != NULL) {
        puts("Options:");
        put_options(about->options);
    }
    puts("'tarn help' lists the options of every command.");
    return EXIT_DONE;
}

/* ---- the manual page ---- */

/* Text for troff: a backslash is doubled, a dash is a minus, a point or quote does not begin a
 * line. */
static void put_troff(const char *text)
{
    bool at_start = true;
    for (; *text != '\0'; text++) {
        if (at_start && (*text == '.' || *text == '\'')) {
            (void)fputs("\\&", stdout);
        }
        if (*text == '\\') {
            (void)fputs("\\e", stdout);
        } else if (*text == '-') {
            (void)fputs("\\-", stdout);
        } else {
            (void)putchar(*text);
        }
        at_start = *text == '\n';
    }
}

static void put_troff_options(const option *options)
{
    for (; (options = listed(options)) != NULL; options++) {
        (void)fputs(".TP\n.B ", stdout);
        if (options->letter != 0) {
            printf("\\-%c, ", options->letter);
        }
        (void)fputs("\\-\\-", stdout);
        put_troff(options->name);
        if (options->argument != NULL) {
            (void)fputs(" ", stdout);
            put_troff(options->argument);
        }
        (void)fputs("\n", stdout);
        put_troff(options->doc);
        (void)fputs("\n", stdout);
    }
}

int put_man(void)
{
    printf(".TH TARN 1 \"" TARN_RELEASE_DATE "\" \"tarn %s\" \"User Commands\"\n", tarn_version());
    puts(".SH NAME\ntarn \\- turns files and events into trustworthy tables");
    puts(".SH SYNOPSIS\n.B tarn\n.I COMMAND\n[\\fIOPTION\\fR...]\n.br\n.B tarn \\-c\n.I SQL");
    puts(".SH COMMANDS");
    for (size_t i = 0; i < command_count; i++) {
        printf(".SS tarn %s ", commands[i].name);
        put_troff(commands[i].usage);
        puts("");
        put_troff(commands[i].summary);
        (void)fputs(".\n.PP\n.nf\n", stdout);
        put_troff(commands[i].about);
        puts(".fi");
        put_troff_options(commands[i].options);
    }
    puts(
        ".SH OPTIONS\nThose that every command knows. Each has a twin in the environment, such as\n"
        "TARN_MAX_ROWS.");
    put_troff_options(common_options);
    puts(".SH EXIT STATUS\n"
         ".TP\n.B 0\ndone\n.TP\n.B 1\nthe data or the statement is wrong\n"
         ".TP\n.B 2\nthe command line, the pipeline file or the credentials are wrong\n"
         ".TP\n.B 70\na fault of Tarn's\n.TP\n.B 75\ntry again\n"
         ".TP\n.B 130, 143\nstopped by SIGINT, SIGTERM");
    puts(".SH FILES\n.I /etc/tarn/config.toml\n.br\n.I ~/.config/tarn/config.toml");
    return EXIT_DONE;
}

/* ---- completions ---- */

static void put_names(const option *options, const char *before)
{
    for (; (options = listed(options)) != NULL; options++) {
        printf("%s--%s", before, options->name);
        if (options->letter != 0) {
            printf("%s-%c", before, options->letter);
        }
    }
}

static void put_choices(const char *argument, char between)
{
    for (; *argument != '\0'; argument++) {
        (void)putchar(*argument == '|' ? between : *argument);
    }
}

static void put_bash_values(const option *options)
{
    for (; (options = listed(options)) != NULL; options++) {
        if (options->argument != NULL && strchr(options->argument, '|') != NULL) {
            printf("    --%s) COMPREPLY=($(compgen -W \"", options->name);
            put_choices(options->argument, ' ');
            puts("\" -- \"$word\")); return ;;");
        }
    }
}

static void put_bash(void)
{
    puts("# bash completion for tarn: made by 'tarn help --completion bash'\n_tarn()\n{\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} i command= "
         "own=\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }\n"
         "    done\n    case $last in");
    put_bash_values(common_options);
    for (size_t i = 0; i < command_count; i++) {
        put_bash_values(commands[i].options);
    }
    puts("    esac\n    case $command in");
    for (size_t i = 0; i < command_count; i++) {
        printf("    %s) own=\"", commands[i].name);
        put_names(commands[i].options, " ");
        puts("\" ;;");
        if (commands[i].verbs != NULL) {
            printf("    esac\n    case $command.$((COMP_CWORD - i)) in\n    %s.1) own+=\"",
                   commands[i].name);
            for (size_t v = 0; commands[i].verbs[v] != NULL; v++) {
                printf(" %s", commands[i].verbs[v]);
            }
            puts("\" ;;\n    esac\n    case $command in");
        }
    }
    (void)fputs("    '') own=\"", stdout);
    for (size_t i = 0; i < command_count; i++) {
        printf(" %s", commands[i].name);
    }
    (void)fputs(" --version\" ;;\n    esac\n    COMPREPLY=($(compgen -W \"$own", stdout);
    put_names(common_options, " ");
    puts("\" -- \"$word\"))\n    [[ $word == -* || -z $command ]] || "
         "COMPREPLY+=($(compgen -f -- \"$word\"))\n}\ncomplete -o filenames -F _tarn tarn");
}

/* Text in single quotes of zsh and fish, without what _arguments takes for its own. */
static void put_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("'[]:\\", *text) == NULL) {
            (void)putchar(*text);
        }
    }
}

static void put_zsh_options(const option *options)
{
    for (; (options = listed(options)) != NULL; options++) {
        const bool choice = options->argument != NULL && strchr(options->argument, '|') != NULL;
        printf(" '--%s[", options->name);
        put_plain(options->doc);
        (void)fputs("]", stdout);
        if (options->argument != NULL) {
            (void)fputs(":value:", stdout);
            (void)fputs(choice ? "(" : "_files", stdout);
            if (choice) {
                put_choices(options->argument, ' ');
                (void)fputs(")", stdout);
            }
        }
        (void)fputs("'", stdout);
    }
}

static void put_zsh(void)
{
    puts("#compdef tarn\n# made by 'tarn help --completion zsh'\n_tarn() {\n    local -a common\n"
         "    local command=${words[2]}");
    (void)fputs("    common=(", stdout);
    put_zsh_options(common_options);
    puts(" )\n    if (( CURRENT == 2 )); then\n        local -a names\n        names=(");
    for (size_t i = 0; i < command_count; i++) {
        printf("            '%s:", commands[i].name);
        put_plain(commands[i].summary);
        puts("'");
    }
    puts(
        "        )\n        _describe command names\n        return\n    fi\n    case $command in");
    for (size_t i = 0; i < command_count; i++) {
        printf("    %s) _arguments", commands[i].name);
        put_zsh_options(commands[i].options);
        if (commands[i].verbs != NULL) {
            (void)fputs(" '2:verb:(", stdout);
            for (size_t v = 0; commands[i].verbs[v] != NULL; v++) {
                printf("%s%s", v == 0 ? "" : " ", commands[i].verbs[v]);
            }
            (void)fputs(")'", stdout);
        }
        puts(" $common '*:file:_files' ;;");
    }
    puts("    *) _arguments $common '*:file:_files' ;;\n    esac\n}\n_tarn \"$@\"");
}

static void put_fish_options(const option *options, const char *when)
{
    for (; (options = listed(options)) != NULL; options++) {
        printf("complete -c tarn%s -l %s", when, options->name);
        if (options->letter != 0) {
            printf(" -s %c", options->letter);
        }
        if (options->argument != NULL) {
            (void)fputs(" -r", stdout);
            if (strchr(options->argument, '|') != NULL) {
                (void)fputs(" -f -a '", stdout);
                put_choices(options->argument, ' ');
                (void)fputs("'", stdout);
            }
        }
        (void)fputs(" -d '", stdout);
        put_plain(options->doc);
        puts("'");
    }
}

static void put_fish(void)
{
    char when[96];
    puts("# fish completion for tarn: made by 'tarn help --completion fish'");
    for (size_t i = 0; i < command_count; i++) {
        printf("complete -c tarn -n __fish_use_subcommand -f -a %s -d '", commands[i].name);
        put_plain(commands[i].summary);
        puts("'");
    }
    put_fish_options(common_options, "");
    for (size_t i = 0; i < command_count; i++) {
        (void)snprintf(when, sizeof(when), " -n '__fish_seen_subcommand_from %s'",
                       commands[i].name);
        put_fish_options(commands[i].options, when);
        for (size_t v = 0; commands[i].verbs != NULL && commands[i].verbs[v] != NULL; v++) {
            printf("complete -c tarn%s -a %s\n", when, commands[i].verbs[v]);
        }
    }
}

int put_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        put_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        put_zsh();
    } else {
        put_fish();
    }
    return EXIT_DONE;
}

int run_help(invocation *in)
{
    const char *shell = option_text(in, "completion");
    if (option_is_set(in, "man")) {
        return put_man();
    }
    if (shell != NULL) {
        return put_completion(shell);
    }
    if (in->word_count == 0) {
        return put_help(NULL);
    }
    if (in->word_count > 1) {
        return usage_error(in, "tarn help query", "one command at a time");
    }
    const command *about = command_named(in, in->words[0]);
    return about == NULL ? EXIT_USAGE : put_help(about);
}
