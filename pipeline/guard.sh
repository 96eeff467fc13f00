#!/bin/sh
# Watches over the critical section of a run of Palier: when the heartbeat has not changed for $1 seconds, whoever drives
# the run is gone or hung, and everything is taken back. Ends by itself once guard.done or rolled-back exists.
set -u
umask 077
unset CDPATH
trap '' HUP INT
trap : TERM
cd -- "$(dirname -- "$0")" || exit 2
limit=$1

log() { printf '%s guard %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

seen=$(cat heartbeat) quiet=0 failures=0
log "watches: takes everything back after $limit s without a heartbeat"
# The answer that the starter waits for: this process, and when it was started.
{ read -r stat < "/proc/$$/stat" && printf '%s\n' "$stat" > .guard.pid && mv .guard.pid guard.pid; } || exit 2

# Seconds are counted and not read from a clock: clocks jump, and those of two machines differ.
while [ ! -e guard.done ] && [ ! -e rolled-back ]; do
    beat=$(cat heartbeat 2>/dev/null)
    if [ "$beat" != "$seen" ]; then
        seen=$beat quiet=0
    elif [ "$quiet" -ge "$limit" ]; then
        log "no heartbeat for $quiet s: takes everything back"
        PALIER_BY='the guard' sh rollback.sh
        status=$?
        log "rollback.sh ended with status $status"
        case $status in
        0) break ;;
        6) ;;
        *) failures=$((failures + 1)) ;;
        esac
        if [ "$failures" -ge 3 ]; then
            log "gives up: a person must look at $(pwd -P)/undo.log"
            break
        fi
        sleep 2
    else
        quiet=$((quiet + 1))
    fi
    # SIGTERM only wakes: whoever wrote guard.done need not wait for the next second.
    sleep 1 &
    wait "$!" || kill "$!" 2>/dev/null
done
log "ends"
