#pragma once
#include <memory>
#include <span>
#include <string>

#include <openssl/ssl.h>

#include "actors/cluster/options.hpp"

/// Mutual TLS among the nodes of one cluster: whoever has no certificate of the cluster's own authority is nobody.
namespace kontor::actors {

using Credentials = std::shared_ptr<SSL_CTX>;

/// TLS 1.2 or 1.3, both ends show a certificate, no sessions are resumed. nullptr: `explanation` says why.
Credentials load_credentials(const ClusterOptions& options, std::string* explanation);

/// The member whose name the other end's verified certificate bears (a DNS name of it, no wildcards); empty: none.
std::string node_of(SSL* ssl, std::span<const Member> members);

/// What OpenSSL has to say about the last failure; takes it from the queue.
std::string tls_fault();

}  // namespace kontor::actors
