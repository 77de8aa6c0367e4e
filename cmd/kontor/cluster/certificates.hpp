#pragma once
#include <filesystem>
#include <string>

#include "domain/result.hpp"

/// The cluster's own certificate authority: P-256 keys, one certificate a node, which names it.
namespace kontor::cmd {

inline constexpr int kAuthorityDays = 3'650, kNodeCertificateDays = 825;

struct CertificateFiles {
  std::filesystem::path certificate, key;
};
CertificateFiles authority_files(const std::filesystem::path& dir);
CertificateFiles node_files(const std::filesystem::path& dir, const std::string& node);

/// Writes ca.pem and ca.key. Keys can be read by their owner only; nothing that is there is overwritten.
/// Errors: already_exists, io_error; `explanation` names the file.
Result<void> make_authority(const std::filesystem::path& dir, std::string* explanation);
/// Writes NODE.pem and NODE.key, signed by the authority in `dir`. `days`: how long it is good; below 0 it has expired.
/// Errors: likewise; io_error also when there is no authority.
Result<void> make_node_certificate(const std::filesystem::path& dir, const std::string& node, std::string* explanation,
                                   int days = kNodeCertificateDays);

}  // namespace kontor::cmd
