# A table is made with no property that it could not keep: what would need a feature is refused by name.
code() { "$@" 2>&1 >/dev/null; echo "rc $?"; }
try() { echo "-- $1"; code tarn table create t --schema 'id BIGINT' --property "$1"; [ ! -e t ] || echo "a table was made"; }
for property in delta.columnMapping.mode=name delta.columnMapping.mode=id delta.columnMapping.maxColumnId=4 \
    delta.enableRowTracking=true delta.enableInCommitTimestamps=true delta.enableDeletionVectors=true \
    delta.enableChangeDataFeed=true delta.enableTypeWidening=true delta.enableIcebergCompatV2=true \
    'delta.constraints.x=id > 5' delta.checkpointPolicy=v2 delta.universalFormat.enabledFormats=iceberg \
    delta.feature.deletionVectors=supported delta.minWriterVersion=7; do
    try "$property"
done
echo "-- unknown names"
for property in delta.appendOnyl=true delta.appendonly=true Delta.appendOnly=true delta.checkpointIntervals=10 \
    delta.logRetention=x delta.=1 delta.nothingLikeIt=1; do
    try "$property"
done
echo "-- values of the wrong kind"
for property in delta.checkpointInterval=abc delta.checkpointInterval=0 delta.checkpointInterval=-1 delta.checkpointInterval= \
    delta.checkpointInterval=99999999999999999999 delta.appendOnly=yes delta.enableChangeDataFeed=TRUE \
    delta.columnMapping.mode=names delta.isolationLevel=none delta.dataSkippingNumIndexedCols=-2 \
    delta.logRetentionDuration=30 'delta.logRetentionDuration=interval 1 month' 'delta.logRetentionDuration=interval' \
    'delta.logRetentionDuration=interval -1 days' 'delta.deletedFileRetentionDuration=1 day 2' delta.targetFileSize=1xb; do
    try "$property"
done
echo "-- what needs no feature"
tarn table create kept --schema 'id BIGINT' --property delta.appendOnly=true --property delta.checkpointInterval=2 \
    --property 'delta.logRetentionDuration=interval 30 days' --property 'delta.deletedFileRetentionDuration=1 week 2 HOURS' \
    --property delta.dataSkippingNumIndexedCols=-1 --property delta.enableExpiredLogCleanup=false \
    --property delta.randomizeFilePrefixes=true --property delta.checkpointPolicy=classic --property delta.columnMapping.mode=none \
    --property delta.enableChangeDataFeed=false --property delta.isolationLevel=WriteSerializable \
    --property delta.targetFileSize=100mb --property 'owner=data team' --property deltas.mine= --property 'constraints.x=id > 5'
sed -n 's/.*"configuration":{\([^}]*\)}.*/\1/p' kept/_delta_log/00000000000000000000.json | tr ',' '\n'
printf 'id\n1\n' >a.csv
tarn table write kept a.csv && tarn table show kept --format csv
code tarn table write kept a.csv --mode overwrite
