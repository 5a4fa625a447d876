# Say what is wrong with the certificate of a Redis server; nothing where all is well, or without TLS.
#
# Given to `sh` before a script that sends a password: redis-cli verifies who signed a certificate, but not whose it is.
# The environment says where: REDIS_HOST, REDIS_PORT, REDIS_TLS_NAME and REDIS_CA_FILE (empty without TLS), REDIS_TIMEOUT.
certificate_problem() {
  [ -n "$REDIS_TLS_NAME" ] || return 0
  case $REDIS_TLS_NAME in *:*) check=-verify_ip ;; *[!0-9.]*) check=-verify_hostname ;; *) check=-verify_ip ;; esac
  case $REDIS_HOST in *:*) address="[$REDIS_HOST]" ;; *) address=$REDIS_HOST ;; esac
  reply=$(timeout "$REDIS_TIMEOUT" openssl s_client -connect "$address:$REDIS_PORT" "$check" "$REDIS_TLS_NAME" \
    -verify_return_error ${REDIS_CA_FILE:+-CAfile "$REDIS_CA_FILE"} </dev/null 2>&1) || case $reply in
    *"ostname mismatch"* | *"IP address mismatch"*) echo "the certificate is not valid for '$REDIS_TLS_NAME'" ;;
    *) echo "the certificate cannot be verified: $reply" ;;
  esac
}
