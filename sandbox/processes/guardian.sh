# Ends a child process when the process that started it is gone, however it went: returned, crashed, killed.
# usage: guardian.sh <pid> <stop signal> <seconds until KILL> [folder to remove]
# Standard input is held open by the starter. A line on it means "the child has ended, you are released";
# end of file without a line means that the starter is gone.
trap '' HUP INT TERM
read -r _ && exit 0
kill -s "$2" "$1" 2>/dev/null
tenths=0
while kill -0 "$1" 2>/dev/null && [ "$tenths" -lt "$(($3 * 10))" ]; do
  sleep 0.1
  tenths=$((tenths + 1))
done
kill -s KILL -- "-$1" 2>/dev/null
[ -z "$4" ] || rm -rf -- "$4"
