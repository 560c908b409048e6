# 'rm -r' removes a link itself, never what stands behind it.
mkdir -p other/sub d/sub
touch other/kept other/sub/kept d/x d/sub/y d/a.txt
ln -s ../other d/link
ln -s ../../other d/sub/link
ln -s ../other/kept d/file
tarn rm -r --dry-run d
echo "= $?"
tarn rm -r d
echo "= $?"
mkdir d
touch d/z
ln -s ../other d/link
tarn rm -r "file://$PWD/d"
ls
ln -s other link
tarn rm -r link
find . | sort
ln -s other link
tarn rm -r link/
find . | sort
rm link
echo '-- what no listing shows goes with its folder'
mkdir -p e/empty/deep e/full none
touch e/full/x
ln -s nowhere e/gone
ln -s ../other/sub e/full/link
mkdir -p other/sub
mkfifo e/empty/pipe
mkdir -p d/d
tarn rm -r none e/ "file://$PWD/d"
find . | sort
rm -rf other && mkdir other && ln -s other link
echo '-- **'
mkdir -p d/sub
touch other/kept d/sub/z other/pattern
ln -s ../other d/link
tarn rm 'd/**'
find . | sort
tarn rm 'd/link/**/pattern' 'link/k*'
find . | sort
