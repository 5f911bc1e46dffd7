/* video/dtls-private.h: shared by dtls.c and dtls-context.c. */
#pragma once
#include "video/dtls.h"
#include <openssl/bio.h>
#include <openssl/ssl.h>

struct AblakDtlsContext {
  SSL_CTX *ssl;
  BIO_METHOD *method;
  char *fingerprint;
};

/* A BIO that keeps datagrams apart, which a memory BIO does not. */
BIO_METHOD *ablak_dtls_bio_method_new(void);
