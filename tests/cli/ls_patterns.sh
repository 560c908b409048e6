# A pattern of ls shows the folders that match, as a shell's does; -r what is below them.
mkdir -p d1/sub d2 e empty
touch d1/a d1/sub/b d2/c dfile e/d
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
code tarn ls 'd*'
code tarn ls -r 'd*'
code tarn ls '*/s*'
code tarn ls -r '**/sub'
code tarn ls './e*'
tarn ls '[de]?' --format csv | sed 's/,20[^,]*,/,T,/'
code tarn ls 'z*'
echo '-- what reads and copies takes files'
code tarn cat 'd*'
code tarn cp 'd*' e/
code tarn cp 'd1*' e/
code tarn rm 'd1*'
ls e
echo '-- size and time, also where the form shows them anyway'
tarn ls -l --format json d1/sub | sed 's/"modified":"[^"]*"/"modified":T/'
tarn ls --human --format csv d1/sub | sed 's/,20[^,]*,/,T,/'
tarn ls -l -o list.csv d1/sub && sed 's/,20[^,]*,/,T,/' list.csv
tarn ls -l 'e*' | sed 's/20..-..-.. ..:..:../T/'
echo '-- stat takes patterns, too; a target of cp is none'
tarn stat 'd*' | sed 's/,20.*,\(f[a-z]*\),.*/,T,\1,TAG/'
code tarn stat 'z*'
tarn cp dfile 'd?' && ls
