mkdir -p in/deep
printf 'one\n' >in/1.txt
printf 'two\n' >in/2.txt
printf 'three\n' >in/deep/3.txt
tarn ls in
tarn ls -r in
tarn ls 'in/*.txt' --format jsonl | sed 's/"modified":"[^"]*"/"modified":T/'
tarn ls -l in/1.txt | sed 's/20..-..-.. ..:..:../T/'
tarn cat in/1.txt in/2.txt
tarn cat -r in
tarn cp in/1.txt copy.txt && cat copy.txt
tarn cp in/2.txt copy.txt --no-clobber
echo "exit $?"
tarn cp 'in/*.txt' out/ && ls out
tarn cp -r in all --dry-run
tarn cp -r in all && find all -type f | sort
echo text | tarn cp - made.txt && tarn cp made.txt -
tarn rm -r all --dry-run
tarn rm -r all && ls
tarn rm in
echo "exit $?"
tarn rm nowhere.txt
echo "exit $?"
tarn ls nowhere
echo "exit $?"
tarn stat in/1.txt --format jsonl | sed 's/"modified":.*/.../'
tarn cat gs://bucket/key
ln -s nowhere dangling && tarn rm dangling && if [ ! -L dangling ]; then echo "the link to nothing is gone"; fi
