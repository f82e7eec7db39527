/* The low-level functions of SHA-256 are deprecated in favour of EVP, which needs all of libcrypto. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "COpenSSL.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct parley_hmac {
  /* SHA-256: the states behind the inner and the outer key block, and that of the message. */
  SHA256_CTX inner, outer, message;
  /* Any other digest. */
  EVP_MAC_CTX *context;
};

static struct {
  EVP_MAC *(*fetch)(OSSL_LIB_CTX *, const char *, const char *);
  void (*free)(EVP_MAC *);
  EVP_MAC_CTX *(*context_new)(EVP_MAC *);
  void (*context_free)(EVP_MAC_CTX *);
  int (*init)(EVP_MAC_CTX *, const unsigned char *, size_t, const OSSL_PARAM *);
  int (*update)(EVP_MAC_CTX *, const unsigned char *, size_t);
  int (*final)(EVP_MAC_CTX *, unsigned char *, size_t *, size_t);
} library;

static const struct {
  const char *name;
  size_t place;
} functions[] = {
    {"EVP_MAC_fetch", offsetof(__typeof__(library), fetch)},
    {"EVP_MAC_free", offsetof(__typeof__(library), free)},
    {"EVP_MAC_CTX_new", offsetof(__typeof__(library), context_new)},
    {"EVP_MAC_CTX_free", offsetof(__typeof__(library), context_free)},
    {"EVP_MAC_init", offsetof(__typeof__(library), init)},
    {"EVP_MAC_update", offsetof(__typeof__(library), update)},
    {"EVP_MAC_final", offsetof(__typeof__(library), final)},
};

/* May run twice at once, with the same result. */
static int load_library(void) {
  void *opened = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!opened) opened = dlopen("libcrypto.3.dylib", RTLD_NOW | RTLD_LOCAL);
  if (!opened) return 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *function = dlsym(opened, functions[i].name);
    if (!function) return 0;
    memcpy((char *)&library + functions[i].place, &function, sizeof function);
  }
  return 1;
}

/* RFC 2104: the digest of the outer key block and of the digest of the inner key block and the message. */
static void use_sha256(parley_hmac *hmac, const uint8_t *key, size_t length) {
  uint8_t block[SHA256_CBLOCK] = {0};
  if (length > sizeof block) {
    parley_sha256(key, length, block);
  } else if (length > 0) {
    memcpy(block, key, length);
  }
  for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36;
  SHA256_Init(&hmac->inner);
  SHA256_Update(&hmac->inner, block, sizeof block);
  for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36 ^ 0x5c;
  SHA256_Init(&hmac->outer);
  SHA256_Update(&hmac->outer, block, sizeof block);
  OPENSSL_cleanse(block, sizeof block);
}

static int use_library(parley_hmac *hmac, const char *digest, const uint8_t *key, size_t length) {
  if (!load_library()) return 0;
  EVP_MAC *mac = library.fetch(NULL, "HMAC", NULL);
  if (!mac) return 0;
  hmac->context = library.context_new(mac);
  library.free(mac);
  if (!hmac->context) return 0;
  OSSL_PARAM parameters[] = {OSSL_PARAM_utf8_string("digest", (char *)digest, strlen(digest)), OSSL_PARAM_END};
  return library.init(hmac->context, key, length, parameters) == 1;
}

parley_hmac *parley_hmac_new(const char *digest, const uint8_t *key, size_t length) {
  parley_hmac *hmac = calloc(1, sizeof *hmac);
  if (!hmac) return NULL;
  if (strcmp(digest, "SHA256") == 0) {
    use_sha256(hmac, key, length);
  } else if (!use_library(hmac, digest, key, length)) {
    parley_hmac_free(hmac);
    return NULL;
  }
  parley_hmac_begin(hmac);
  return hmac;
}

void parley_hmac_free(parley_hmac *hmac) {
  if (!hmac) return;
  if (hmac->context) library.context_free(hmac->context);
  OPENSSL_cleanse(hmac, sizeof *hmac);
  free(hmac);
}

void parley_hmac_begin(parley_hmac *hmac) {
  if (hmac->context) {
    library.init(hmac->context, NULL, 0, NULL);
  } else {
    hmac->message = hmac->inner;
  }
}

void parley_hmac_add(parley_hmac *hmac, const uint8_t *bytes, size_t count) {
  if (hmac->context) {
    library.update(hmac->context, bytes, count);
  } else {
    SHA256_Update(&hmac->message, bytes, count);
  }
}

size_t parley_hmac_end(parley_hmac *hmac, uint8_t code[64]) {
  if (hmac->context) {
    size_t length = 0;
    return library.final(hmac->context, code, &length, 64) == 1 ? length : 0;
  }
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &hmac->message);
  SHA256_CTX outer = hmac->outer;
  SHA256_Update(&outer, digest, sizeof digest);
  SHA256_Final(code, &outer);
  return SHA256_DIGEST_LENGTH;
}

void parley_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32]) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes, count);
  SHA256_Final(digest, &context);
}

int parley_equal_in_constant_time(const uint8_t *one, const uint8_t *other, size_t count) {
  return CRYPTO_memcmp(one, other, count) == 0;
}

const char *parley_openssl_version(void) { return OPENSSL_VERSION_TEXT; }
