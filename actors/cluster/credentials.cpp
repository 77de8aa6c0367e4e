#include "actors/cluster/credentials.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace kontor::actors {
namespace {

constexpr int kChainCertificatesMax = 3;

std::string in_file(const std::filesystem::path& path) { return path.string() + ": " + tls_fault(); }

/// By a DNS name, as those of authorities are that others run; what stands in its subject does not count.
bool is_of(X509* certificate, const std::string& node) {
  return X509_check_host(certificate, node.data(), node.size(),
                         X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

}  // namespace

std::string tls_fault() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "closed";
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "error " + std::to_string(code);
}

Credentials load_credentials(const ClusterOptions& options, std::string* explanation) {
  const auto refuse = [&](std::string why) {
    if (explanation) *explanation = std::move(why);
    return Credentials();
  };
  ERR_clear_error();
  Credentials context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  if (!context) return refuse(tls_fault());
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_verify_depth(raw, kChainCertificatesMax);
  if (SSL_CTX_load_verify_file(raw, options.authority.c_str()) != 1) return refuse(in_file(options.authority));
  if (SSL_CTX_use_certificate_chain_file(raw, options.certificate.c_str()) != 1)
    return refuse(in_file(options.certificate));
  if (SSL_CTX_use_PrivateKey_file(raw, options.key.c_str(), SSL_FILETYPE_PEM) != 1) return refuse(in_file(options.key));
  if (SSL_CTX_check_private_key(raw) != 1) return refuse(in_file(options.key));
  X509* own = SSL_CTX_get0_certificate(raw);
  if (!is_of(own, options.node))
    return refuse(options.certificate.string() + ": is not the certificate of node " + options.node);
  return context;
}

std::string node_of(SSL* ssl, std::span<const Member> members) {
  X509* shown = SSL_get0_peer_certificate(ssl);
  if (!shown || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  for (const Member& member : members)
    if (is_of(shown, member.node)) return member.node;
  return {};
}

}  // namespace kontor::actors
