#include "tests/http/test_certificate.hpp"

#include <fstream>
#include <memory>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace kontor::tests {
namespace {

template <class Thing, void (*kFree)(Thing*)>
struct Free {
  void operator()(Thing* thing) const { kFree(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION, X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO, BIO_free_all>>;

void need(bool done) {
  if (!done) throw std::runtime_error("no certificate could be made");
}

void extend(X509* certificate, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, what, value));
  need(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string text_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace

TestCertificate make_certificate() {
  constexpr long kGoodFor_s = 3'600;
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  need(key && certificate);
  X509* x509 = certificate.get();
  std::uint64_t serial = 0;
  need(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  need(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) == 1 && X509_set_version(x509, 2) == 1);
  need(X509_gmtime_adj(X509_getm_notBefore(x509), -60) && X509_gmtime_adj(X509_getm_notAfter(x509), kGoodFor_s));
  X509_NAME* name = X509_get_subject_name(x509);
  const std::string words = "Kontor test " + std::to_string(serial);
  need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(words.c_str()), -1,
                                  -1, 0) == 1);
  need(X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key.get()) == 1);
  extend(x509, NID_basic_constraints, "critical,CA:TRUE");
  extend(x509, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  need(X509_sign(x509, key.get(), EVP_sha256()) > 0);
  const Memory certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
  need(PEM_write_bio_X509(certificate_text.get(), x509) == 1);
  need(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {text_of(certificate_text.get()), text_of(key_text.get())};
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace kontor::tests
