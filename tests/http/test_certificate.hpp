#pragma once
#include <filesystem>
#include <string>

namespace kontor::tests {

/// A self-signed certificate for 127.0.0.1 and `localhost`, an hour good, with its key; both PEM.
struct TestCertificate {
  std::string certificate, key;
};
TestCertificate make_certificate();
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace kontor::tests
