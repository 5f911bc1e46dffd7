/* provisioning/ca-private.h: the authority's insides, for the revocation list. */
#pragma once
#include "provisioning/ca.h"
#include "provisioning/x509.h"

EVP_PKEY *ablak_ca_key(AblakCa *ca);
X509 *ablak_ca_root(AblakCa *ca);
const char *ablak_ca_dir(const AblakCa *ca);
