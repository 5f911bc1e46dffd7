#include "forms/coedit/sync.h"
#include "core/error.h"
#include "forms/coedit/bytes.h"

/* y-websocket's kinds, and the kinds of y-protocols' sync messages */
enum { MESSAGE_SYNC, MESSAGE_AWARENESS, MESSAGE_AUTH, MESSAGE_QUERY_AWARENESS };

static bool decode_sync(Reader *reader, AblakYsyncMessage *message, Str *body)
{
  guint64 kind;
  if (!read_uint(reader, &kind) || kind > ABLAK_YSYNC_UPDATE || !read_bytes(reader, body))
    return false;
  message->kind = (AblakYsyncKind)kind;
  return true;
}

static bool decode_message(Reader *reader, AblakYsyncMessage *message)
{
  guint64 kind, permission;
  Str body = {(const char *)reader->at, 0};
  if (!read_uint(reader, &kind))
    return false;
  switch (kind) {
  case MESSAGE_SYNC:
    if (!decode_sync(reader, message, &body))
      return false;
    break;
  case MESSAGE_AWARENESS:
    message->kind = ABLAK_YSYNC_AWARENESS;
    if (!read_bytes(reader, &body))
      return false;
    break;
  case MESSAGE_AUTH: /* 0: permission denied */
    message->kind = ABLAK_YSYNC_AUTH;
    if (!read_uint(reader, &permission) || permission != 0 || !read_string(reader, &body))
      return false;
    break;
  case MESSAGE_QUERY_AWARENESS:
    message->kind = ABLAK_YSYNC_QUERY_AWARENESS;
    break;
  default:
    message->kind = ABLAK_YSYNC_OTHER;
    message->other = kind;
    body = (Str){(const char *)reader->at, (guint32)(reader->end - reader->at)};
    reader->at = reader->end;
  }
  message->body = (const guint8 *)body.text;
  message->size = body.size;
  return reader->at == reader->end;
}

bool ablak_ysync_decode(const void *data, gsize size, AblakYsyncMessage *ret_message,
                        GError **error)
{
  Reader reader = reader_of(data, size);
  AblakYsyncMessage message = {0};
  if (size > G_MAXINT32 || !decode_message(&reader, &message)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "coedit/malformed",
                    "not a well-formed co-editing message");
    return false;
  }
  *ret_message = message;
  return true;
}

GBytes *ablak_ysync_encode(AblakYsyncKind kind, guint64 other, const void *body, gsize size)
{
  Buffer buffer = {0};
  switch (kind) {
  case ABLAK_YSYNC_STEP1:
  case ABLAK_YSYNC_STEP2:
  case ABLAK_YSYNC_UPDATE:
    write_uint(&buffer, MESSAGE_SYNC);
    write_uint(&buffer, kind);
    write_string(&buffer, body, size);
    break;
  case ABLAK_YSYNC_AWARENESS:
    write_uint(&buffer, MESSAGE_AWARENESS);
    write_string(&buffer, body, size);
    break;
  case ABLAK_YSYNC_AUTH:
    write_uint(&buffer, MESSAGE_AUTH);
    write_uint(&buffer, 0);
    write_string(&buffer, body, size);
    break;
  case ABLAK_YSYNC_QUERY_AWARENESS:
    write_uint(&buffer, MESSAGE_QUERY_AWARENESS);
    break;
  case ABLAK_YSYNC_OTHER:
    write_uint(&buffer, other);
    write_raw(&buffer, body, size);
    break;
  }
  return buffer_steal(&buffer);
}

GBytes *ablak_ysync_encode_number(guint64 other, guint64 number)
{
  Buffer buffer = {0};
  write_uint(&buffer, other);
  write_uint(&buffer, number);
  return buffer_steal(&buffer);
}
