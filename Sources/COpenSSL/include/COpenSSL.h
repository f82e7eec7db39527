#ifndef PARLEY_COPENSSL_H
#define PARLEY_COPENSSL_H

#include <stddef.h>
#include <stdint.h>

/// A keyed hash (HMAC), by OpenSSL. One thread at a time.
///
/// SHA-256, which every launcher chooses, is that of libcrypto's archive, a few kilobytes of this program. For the
/// other digests libcrypto itself is loaded when one is first asked for: with its providers it would be the largest
/// library of an idle kernel, 2 MiB and 2 ms of each start.
typedef struct parley_hmac parley_hmac;

/// `digest` is OpenSSL's name. NULL when there is no libcrypto, or when it does not offer the digest (FIPS without MD5).
parley_hmac *parley_hmac_new(const char *digest, const uint8_t *key, size_t length);
void parley_hmac_free(parley_hmac *hmac);

/// Begins a message; what was begun before is forgotten.
void parley_hmac_begin(parley_hmac *hmac);
void parley_hmac_add(parley_hmac *hmac, const uint8_t *bytes, size_t count);
/// Writes the code and returns its length.
size_t parley_hmac_end(parley_hmac *hmac, uint8_t code[64]);

void parley_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32]);

/// Whether the bytes are the same; takes the same time wherever they differ.
int parley_equal_in_constant_time(const uint8_t *one, const uint8_t *other, size_t count);

/// What the headers were that this program was built with.
const char *parley_openssl_version(void);

#endif
