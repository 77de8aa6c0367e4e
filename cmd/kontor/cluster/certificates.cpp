#include "cmd/kontor/cluster/certificates.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace kontor::cmd {
namespace {

template <class Thing, void (*kFree)(Thing*)>
struct Free {
  void operator()(Thing* thing) const { kFree(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION, X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO, BIO_free_all>>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

constexpr long kBackdated_s = 300;  // Clocks of machines differ.
constexpr mode_t kOwnerOnly = 0600, kReadable = 0644;

bool extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// Everything but issuer, extensions and signature.
Certificate draft(const std::string& name, EVP_PKEY* key, int days) {
  constexpr int kX509Version3 = 2;
  Certificate certificate(X509_new());
  std::uint64_t serial = 0;
  if (!certificate || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return nullptr;
  X509* x509 = certificate.get();
  X509_NAME* subject = X509_get_subject_name(x509);
  const bool done = X509_set_version(x509, kX509Version3) == 1 &&
                    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(x509), days < 0 ? long{days} * 2 * 86'400 : -kBackdated_s) &&
                    X509_gmtime_adj(X509_getm_notAfter(x509), long{days} * 86'400) &&
                    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1 &&
                    X509_set_pubkey(x509, key) == 1;
  return done ? std::move(certificate) : nullptr;
}

Result<void> fail(const std::filesystem::path& path, const std::string& why, Errc code, std::string* explanation) {
  if (explanation) *explanation = path.string() + ": " + why;
  return Error{code, "certificate"};
}

Result<void> write_new(const std::filesystem::path& path, BIO* text, mode_t mode, std::string* explanation) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor < 0)
    return fail(path, std::strerror(errno), errno == EEXIST ? Errc::already_exists : Errc::io_error, explanation);
  const bool written = ::write(descriptor, bytes, static_cast<std::size_t>(size)) == size && ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!written) return fail(path, std::strerror(errno), Errc::io_error, explanation);
  return {};
}

Result<void> write_pair(const CertificateFiles& files, X509* certificate, EVP_PKEY* key, std::string* explanation) {
  const Memory certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(files.key, "cannot be made", Errc::io_error, explanation);
  if (auto written = write_new(files.key, key_text.get(), kOwnerOnly, explanation); !written) return written;
  return write_new(files.certificate, certificate_text.get(), kReadable, explanation);
}

template <class Thing, class Read>
Thing read_pem(const std::filesystem::path& path, const Read& read) {
  const File file(std::fopen(path.c_str(), "re"), std::fclose);
  return Thing(file ? read(file.get(), nullptr, nullptr, nullptr) : nullptr);
}

}  // namespace

CertificateFiles authority_files(const std::filesystem::path& dir) { return {dir / "ca.pem", dir / "ca.key"}; }
CertificateFiles node_files(const std::filesystem::path& dir, const std::string& node) {
  return {dir / (node + ".pem"), dir / (node + ".key")};
}

Result<void> make_authority(const std::filesystem::path& dir, std::string* explanation) {
  const CertificateFiles files = authority_files(dir);
  std::error_code fault;
  std::filesystem::create_directories(dir, fault);
  if (fault) return fail(dir, fault.message(), Errc::io_error, explanation);
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = draft("Kontor cluster authority", key.get(), kAuthorityDays);
  X509* x509 = certificate.get();
  if (!x509 || X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1 ||
      !extend(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !extend(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      X509_sign(x509, key.get(), EVP_sha256()) <= 0)
    return fail(files.certificate, "cannot be made", Errc::io_error, explanation);
  return write_pair(files, x509, key.get(), explanation);
}

Result<void> make_node_certificate(const std::filesystem::path& dir, const std::string& node, std::string* explanation,
                                   int days) {
  const CertificateFiles authority = authority_files(dir), files = node_files(dir, node);
  const auto issuer = read_pem<Certificate>(authority.certificate, PEM_read_X509);
  const auto issuer_key = read_pem<Key>(authority.key, PEM_read_PrivateKey);
  if (!issuer || !issuer_key) return fail(authority.key, "cannot be read", Errc::io_error, explanation);
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = draft(node, key.get(), days);
  X509* x509 = certificate.get();
  if (!x509 || X509_set_issuer_name(x509, X509_get_subject_name(issuer.get())) != 1 ||
      !extend(x509, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !extend(x509, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !extend(x509, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !extend(x509, issuer.get(), NID_subject_alt_name, "DNS:" + node) ||
      X509_sign(x509, issuer_key.get(), EVP_sha256()) <= 0)
    return fail(files.certificate, "cannot be made", Errc::io_error, explanation);
  return write_pair(files, x509, key.get(), explanation);
}

}  // namespace kontor::cmd
