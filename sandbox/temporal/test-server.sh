#!/bin/sh
# Starts the time-skipping test server. usage: test-server.sh <port> <folder of jars>
# The SDK starts it and kills it by its process id; the loop ends it when the SDK's process is gone.
(while kill -0 "$PPID" && kill -0 "$$"; do sleep 1; done; kill "$$") </dev/null >/dev/null 2>&1 &
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$2/*" io.temporal.testserver.TestServer "$1"
