/* video/srtp-keys.c: key derivation and the keyed primitives. */
/* SHA-1 of the key's blocks is kept and copied for each packet. EVP_MAC does the same with memory
 * from the heap, twice a packet; the functions that do without are called deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "video/srtp-keys.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#define SHA1_BLOCK 64

/* A direction only ever seals or only ever opens: a context is made when it is first used. */
struct AblakSrtpCipher {
  guint8 key[ABLAK_SRTP_KEY_SIZE];
  guint8 salt[ABLAK_SRTP_SALT_MAX];
  EVP_CIPHER_CTX *seal; /* GCM, encrypting; or counter mode */
  EVP_CIPHER_CTX *open; /* GCM, decrypting */
  SHA_CTX inner, outer; /* HMAC's (RFC 2104), after the key; counter mode only */
};

gsize ablak_srtp_salt_size(AblakSrtpProfile profile)
{
  return profile == ABLAK_SRTP_AEAD_AES_128_GCM ? 12 : 14;
}

const char *ablak_srtp_profile_name(AblakSrtpProfile profile)
{
  return profile == ABLAK_SRTP_AEAD_AES_128_GCM ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80";
}

/* The AES-CM PRF (RFC 3711 §4.3.3) with key derivation rate 0. */
static void prf(EVP_CIPHER_CTX *context, const guint8 salt[14], guint8 label, guint8 *ret_key,
                gsize size)
{
  guint8 iv[16] = {0};
  int written = 0;
  memcpy(iv, salt, 14);
  iv[7] ^= label;
  memset(ret_key, 0, size);
  if (EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv) != 1 ||
      EVP_EncryptUpdate(context, ret_key, &written, ret_key, (int)size) != 1)
    g_error("AES-128-CTR is not available");
}

void ablak_srtp_derive(AblakSrtpProfile profile, const guint8 key[ABLAK_SRTP_KEY_SIZE],
                       const guint8 *salt, bool rtcp, AblakSrtpSessionKeys *ret_keys)
{
  guint8 padded[14] = {0}; /* RFC 7714 §11: a 96-bit salt counts as followed by zeros */
  guint8 base = rtcp ? 3 : 0;
  gsize salt_size = ablak_srtp_salt_size(profile);
  memcpy(padded, salt, salt_size);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context == NULL || EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, key, NULL) != 1)
    g_error("AES-128-CTR is not available");
  prf(context, padded, base, ret_keys->key, sizeof ret_keys->key);
  prf(context, padded, base + 1, ret_keys->auth_key, sizeof ret_keys->auth_key);
  prf(context, padded, base + 2, ret_keys->salt, salt_size);
  EVP_CIPHER_CTX_free(context);
}

static EVP_CIPHER_CTX *keyed(const EVP_CIPHER *type, const guint8 *key, int encrypt)
{
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context == NULL || EVP_CipherInit_ex(context, type, NULL, key, NULL, encrypt) != 1)
    g_error("the SRTP cipher is not available");
  return context;
}

static void begin_with(SHA_CTX *state, const guint8 *key, guint8 pad)
{
  guint8 block[SHA1_BLOCK];
  for (gsize i = 0; i < sizeof block; i++)
    block[i] = (i < ABLAK_SRTP_AUTH_KEY_SIZE ? key[i] : 0) ^ pad;
  if (SHA1_Init(state) != 1 || SHA1_Update(state, block, sizeof block) != 1)
    g_error("SHA-1 is not available");
  OPENSSL_cleanse(block, sizeof block);
}

AblakSrtpCipher *ablak_srtp_cipher_new(AblakSrtpProfile profile, const AblakSrtpSessionKeys *keys)
{
  AblakSrtpCipher *cipher = g_new0(AblakSrtpCipher, 1);
  memcpy(cipher->salt, keys->salt, ablak_srtp_salt_size(profile));
  if (profile == ABLAK_SRTP_AEAD_AES_128_GCM) {
    memcpy(cipher->key, keys->key, sizeof cipher->key);
  } else {
    cipher->seal = keyed(EVP_aes_128_ctr(), keys->key, 1);
    begin_with(&cipher->inner, keys->auth_key, 0x36);
    begin_with(&cipher->outer, keys->auth_key, 0x5c);
  }
  return cipher;
}

void ablak_srtp_cipher_free(AblakSrtpCipher *cipher)
{
  if (cipher == NULL)
    return;
  EVP_CIPHER_CTX_free(cipher->seal);
  EVP_CIPHER_CTX_free(cipher->open);
  OPENSSL_cleanse(cipher, sizeof *cipher);
  g_free(cipher);
}

const guint8 *ablak_srtp_cipher_salt(const AblakSrtpCipher *cipher)
{
  return cipher->salt;
}

void ablak_srtp_cm_iv(const guint8 salt[14], guint32 ssrc, guint64 index, guint8 ret_iv[16])
{
  memcpy(ret_iv, salt, 14);
  ret_iv[14] = ret_iv[15] = 0;
  for (int i = 0; i < 4; i++)
    ret_iv[4 + i] ^= (guint8)(ssrc >> (24 - 8 * i));
  for (int i = 0; i < 6; i++)
    ret_iv[8 + i] ^= (guint8)(index >> (40 - 8 * i));
}

void ablak_srtp_gcm_iv(const guint8 salt[12], guint32 ssrc, guint64 index, guint8 ret_iv[12])
{
  memcpy(ret_iv, salt, 12);
  for (int i = 0; i < 4; i++)
    ret_iv[2 + i] ^= (guint8)(ssrc >> (24 - 8 * i));
  for (int i = 0; i < 6; i++)
    ret_iv[6 + i] ^= (guint8)(index >> (40 - 8 * i));
}

static bool authenticate_pieces(EVP_CIPHER_CTX *context, const AblakSrtpPiece pieces[2])
{
  int ignored = 0;
  for (int i = 0; i < 2; i++)
    if (pieces[i].size > 0 &&
        EVP_CipherUpdate(context, NULL, &ignored, pieces[i].data, (int)pieces[i].size) != 1)
      return false;
  return true;
}

bool ablak_srtp_cipher_seal(AblakSrtpCipher *cipher, const guint8 iv[12],
                            const AblakSrtpPiece pieces[2], guint8 *data, gsize size,
                            guint8 *ret_tag)
{
  int written = 0;
  guint8 unused[16];
  if (cipher->seal == NULL)
    cipher->seal = keyed(EVP_aes_128_gcm(), cipher->key, 1);
  return EVP_EncryptInit_ex(cipher->seal, NULL, NULL, NULL, iv) == 1 &&
         authenticate_pieces(cipher->seal, pieces) &&
         (size == 0 || EVP_EncryptUpdate(cipher->seal, data, &written, data, (int)size) == 1) &&
         EVP_EncryptFinal_ex(cipher->seal, unused, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher->seal, EVP_CTRL_AEAD_GET_TAG, 16, ret_tag) == 1;
}

bool ablak_srtp_cipher_open(AblakSrtpCipher *cipher, const guint8 iv[12],
                            const AblakSrtpPiece pieces[2], guint8 *data, gsize size,
                            const guint8 *tag)
{
  int written = 0;
  guint8 copy[16];
  guint8 unused[16];
  memcpy(copy, tag, sizeof copy);
  if (cipher->open == NULL)
    cipher->open = keyed(EVP_aes_128_gcm(), cipher->key, 0);
  return EVP_DecryptInit_ex(cipher->open, NULL, NULL, NULL, iv) == 1 &&
         authenticate_pieces(cipher->open, pieces) &&
         (size == 0 || EVP_DecryptUpdate(cipher->open, data, &written, data, (int)size) == 1) &&
         EVP_CIPHER_CTX_ctrl(cipher->open, EVP_CTRL_AEAD_SET_TAG, 16, copy) == 1 &&
         EVP_DecryptFinal_ex(cipher->open, unused, &written) == 1;
}

bool ablak_srtp_cipher_count(AblakSrtpCipher *cipher, const guint8 iv[16], guint8 *data, gsize size)
{
  int written = 0;
  return EVP_EncryptInit_ex(cipher->seal, NULL, NULL, NULL, iv) == 1 &&
         (size == 0 || EVP_EncryptUpdate(cipher->seal, data, &written, data, (int)size) == 1);
}

bool ablak_srtp_cipher_digest(AblakSrtpCipher *cipher, const AblakSrtpPiece pieces[2],
                              guint8 ret_tag[10])
{
  guint8 digest[SHA_DIGEST_LENGTH];
  SHA_CTX state = cipher->inner;
  for (int i = 0; i < 2; i++)
    if (SHA1_Update(&state, pieces[i].data, pieces[i].size) != 1)
      return false;
  if (SHA1_Final(digest, &state) != 1)
    return false;
  state = cipher->outer;
  if (SHA1_Update(&state, digest, sizeof digest) != 1 || SHA1_Final(digest, &state) != 1)
    return false;
  memcpy(ret_tag, digest, 10);
  return true;
}
