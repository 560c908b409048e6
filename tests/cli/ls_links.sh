# What is no file is passed over by itself: what stands behind it is listed.
mkdir d
touch d/a d/c d/e
ln -s nowhere d/b
mkfifo d/d
tarn ls d
mkdir d/sub
touch d/sub/f
tarn ls -r d
