// The port of a node, attacked: nothing but another member's certificate gets a word through, and the cluster goes on.
#include <csignal>
#include <fstream>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include "actors/cluster/limits.hpp"
#include "tests/cluster/neighbourhood.hpp"

namespace kontor::testing {
namespace {

constexpr std::size_t kRecordBytes = 16u << 10;  // Of TLS.

/// While it lives, a write of this thread to who has gone is an error and no signal. OpenSSL has no flag for that.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_), sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{};
    ::sigtimedwait(&pipe_, nullptr, &now);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{}, before_{};
};

/// Whoever is at the other end of this may be anybody.
class Stranger {
 public:
  /// `from`: the last byte of its own address, 127.0.1.x; 0: as all others'.
  explicit Stranger(std::uint16_t port, std::uint8_t from = 0) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(0x7f00'0100u + from);
    if (from != 0) ::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    address.sin_family = AF_INET, address.sin_port = htons(port), address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{20, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Stranger() {
    SSL_free(ssl_);
    ::close(descriptor_);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  bool connected() const { return connected_; }
  void say(std::string_view bytes) const { ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// It is closed without anything but TLS's own alerts.
  bool turned_away() const {
    char bytes[64];
    ssize_t got = 0, heard = 0;
    while ((got = ::recv(descriptor_, bytes, sizeof bytes, 0)) > 0) heard += got;
    return heard <= 64 && (got == 0 || errno == ECONNRESET);
  }
  /// Speaks TLS with these files (empty: without a certificate), and says this in it. True: a byte of the cluster's own
  /// was heard.
  bool is_heard(const std::string& certificate, const std::string& key, std::string_view words = {}) {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (!certificate.empty()) {
      REQUIRE(SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) == 1);
      REQUIRE(SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1);
    }
    ssl_ = SSL_new(context.get());
    SSL_set_fd(ssl_, descriptor_);
    if (SSL_connect(ssl_) != 1) return false;
    const NoPipeSignal quiet;
    for (; !words.empty(); words.remove_prefix(std::min(words.size(), kRecordBytes)))
      if (SSL_write(ssl_, words.data(), static_cast<int>(std::min(words.size(), kRecordBytes))) <= 0) break;
    char byte = 0;
    return SSL_read(ssl_, &byte, 1) == 1;
  }

 private:
  int descriptor_ = -1;
  bool connected_ = false;
  SSL* ssl_ = nullptr;
};

struct Pair : Neighbourhood {
  Pair() : Neighbourhood(2) { REQUIRE(connected()); }
  std::uint16_t port() const { return members()[1].port; }
  void commits_in_the_end() {
    const std::string turn = std::to_string(turn_++);
    CAPTURE(events());
    REQUIRE(eventually([&] {
      return run(turn_ % 2, "k" + turn, OpenAccount{acc("a" + turn), kGbp}).verdict == Verdict::committed;
    }));
    REQUIRE(connected());
  }
  /// Whatever was tried: both still see each other, without having lost sight, and commit together.
  void goes_on() {
    done(turn_ % 2, "k" + std::to_string(turn_), OpenAccount{acc("a" + std::to_string(turn_)), kGbp});
    ++turn_;
    CAPTURE(events());
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(node(i).peers().front().connected);
      CHECK(node(i).peers().front().connections == 1);
    }
  }
  bool heard(const std::filesystem::path& dir, const std::string& name, std::string_view words = {}) {
    const auto files = cmd::node_files(dir, name);
    return Stranger(port()).is_heard(files.certificate, files.key, words);
  }

 private:
  std::size_t turn_ = 0;
};

/// Of this process, in memory: what is not the pages of a file.
std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/status");
  std::uint64_t kibibytes = 0;
  for (std::string word; file >> word;)
    if (word == "RssAnon:") file >> kibibytes;
  return kibibytes << 10;
}

std::string noise_of(std::size_t bytes, unsigned seed) {
  std::string noise(bytes, '\0');
  std::mt19937 random(seed);
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

std::string basp_header(std::uint32_t payload) {
  std::string bytes(32, '\0');  // A server's handshake of CAF 0.17 begins with operation 0.
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(4 + i)] = static_cast<char>(payload >> (24 - 8 * i));
  return bytes;
}

}  // namespace

TEST_CASE("gate: what is no TLS reaches nobody", "[cluster][gate]") {
  Pair pair;
  const std::string noise = noise_of(4'096, 7);
  for (const std::string& words :
       {noise, std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), basp_header(0), basp_header(0xffff'ffff),
        basp_header(0x7fff'ffff) + noise, std::string("\x16\x03\x01")}) {
    const Stranger stranger(pair.port());
    REQUIRE(stranger.connected());
    stranger.say(words);
    CHECK(stranger.turned_away());
  }
  pair.goes_on();
}

TEST_CASE("gate: only another member's own certificate opens it", "[cluster][gate]") {
  Pair pair;
  const TempDir elsewhere;
  std::string why;
  REQUIRE(cmd::make_authority(elsewhere.path(), &why));
  for (const char* name : {"node-0", "node-1"}) REQUIRE(cmd::make_node_certificate(elsewhere.path(), name, &why));
  CHECK_FALSE(pair.heard(elsewhere.path(), "node-0"));     // Another authority's.
  CHECK_FALSE(pair.heard(pair.certificates(), "node-1"));  // Its own.
  REQUIRE(cmd::make_node_certificate(pair.certificates(), "node-9", &why));
  CHECK_FALSE(pair.heard(pair.certificates(), "node-9"));  // Of the authority, and no member.
  CHECK_FALSE(Stranger(pair.port()).is_heard("", ""));
  const TempDir old;
  for (const char* name : {"ca.pem", "ca.key"})
    std::filesystem::copy_file(pair.certificates() / name, old.path() / name);
  REQUIRE(cmd::make_node_certificate(old.path(), "node-0", &why, -1));
  CHECK_FALSE(pair.heard(old.path(), "node-0"));  // Expired.
  pair.goes_on();
}

TEST_CASE("gate: those who say nothing are few, and do not stay", "[cluster][gate]") {
  Pair pair;
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (std::size_t i = 0; i < 4 * actors::kStrangersPerAddressMax; ++i)
    crowd.push_back(std::make_unique<Stranger>(pair.port()));
  // All but the first few are closed unheard; those are closed when their handshake has lasted too long.
  std::size_t gone = 0;
  for (const auto& stranger : crowd) gone += stranger->turned_away() ? 1U : 0U;
  CHECK(gone == crowd.size());
  pair.goes_on();
}

TEST_CASE("gate: a thousand who say nothing cost next to nothing", "[cluster][gate]") {
  constexpr std::size_t kIdle = 1'000, kAddresses = 100;
  constexpr std::uint64_t kGrowthMax = 16u << 20;
  Pair pair;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit many{std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, 4 * kIdle)), limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &many) == 0);
  for (int i = 0; i < 300; ++i) pair.goes_on();  // Afterwards two engines have the memory that they need in any case.
  const std::uint64_t before = resident_bytes();
  std::uint64_t most = before;
  std::vector<std::unique_ptr<Stranger>> crowd;  // Of the test's own end, the memory is the kernel's.
  for (std::size_t i = 0; i < kIdle; ++i) {
    crowd.push_back(std::make_unique<Stranger>(pair.port(), static_cast<std::uint8_t>(1 + i % kAddresses)));
    REQUIRE(crowd.back()->connected());
    if (i % 50 == 0) pair.goes_on(), most = std::max(most, resident_bytes());
  }
  std::size_t gone = 0;
  for (const auto& stranger : crowd) {
    gone += stranger->turned_away() ? 1U : 0U;
    if (gone % 50 == 0) pair.goes_on(), most = std::max(most, resident_bytes());
  }
  CHECK(gone == kIdle);
  CAPTURE(before, most);
#ifndef __SANITIZE_ADDRESS__  // Which keeps what is freed.
  CHECK(most - before < kGrowthMax);
#endif
  crowd.clear();
  pair.goes_on();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

TEST_CASE("gate: a member's certificate, and nonsense behind it", "[cluster][gate]") {
  Pair pair;
  std::string nested = basp_header(64u << 10);
  for (int i = 0; i < 16'384; ++i) nested += std::string("\0\0\0\1", 4);  // A list in a list, and so on.
  for (const std::string& words : {noise_of(200'000, 11), basp_header(0xffff'ffff), basp_header(0), nested,
                                   std::string(1u << 20, '\xff'), std::string(1, '\0')}) {
    CAPTURE(words.size());
    pair.heard(pair.certificates(), "node-0", words);
    pair.commits_in_the_end();  // The link may be lost by it, as one member can always do to itself.
  }
}

TEST_CASE("gate: descriptors that have run out are waited for", "[cluster][gate]") {
  Pair pair;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit few{static_cast<rlim_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {})) + 4,
                   limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (int i = 0; i < 12; ++i) crowd.push_back(std::make_unique<Stranger>(pair.port()));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  crowd.clear();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  pair.goes_on();
  CHECK_FALSE(Stranger(pair.port()).is_heard("", ""));
}

TEST_CASE("gate: a certificate that cannot be read is told at the start, and later changes nothing",
          "[cluster][gate]") {
  Pair pair;
  ClusterOptions options = pair.options(0);
  std::string why;
  options.key = pair.certificates() / "missing.key";
  CHECK(Node::make(options, &why).code() == Errc::io_error);
  CHECK(why.find("missing.key") != why.npos);
  options = pair.options(0);
  options.node = "node-1";  // With node-0's certificate.
  CHECK(Node::make(options, &why).code() == Errc::io_error);
  std::filesystem::rename(pair.certificates() / "ca.pem", pair.certificates() / "away");
  CHECK(pair.node(0).reload(&why).code() == Errc::io_error);
  pair.goes_on();
  std::filesystem::rename(pair.certificates() / "away", pair.certificates() / "ca.pem");
  CHECK(pair.node(0).reload(&why));
}

TEST_CASE("gate: a certificate that names its node in the subject only is refused by the node itself",
          "[cluster][gate]") {
  Pair pair;
  const TempDir dir;
  const auto files = cmd::node_files(dir.path(), "node-0");
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  const auto* name = reinterpret_cast<const unsigned char*>("node-0");
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
  const std::unique_ptr<BIO, int (*)(BIO*)> to(BIO_new_file(files.certificate.c_str(), "w"), BIO_free);
  const std::unique_ptr<BIO, int (*)(BIO*)> key_to(BIO_new_file(files.key.c_str(), "w"), BIO_free);
  REQUIRE(PEM_write_bio_X509(to.get(), certificate.get()) == 1);
  REQUIRE(PEM_write_bio_PrivateKey(key_to.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  REQUIRE((BIO_flush(to.get()) == 1 && BIO_flush(key_to.get()) == 1));
  ClusterOptions options = pair.options(0);
  options.certificate = files.certificate, options.key = files.key;
  std::string why;
  CHECK(Node::make(options, &why).code() == Errc::io_error);
  CHECK(why.find("is not the certificate of node node-0") != why.npos);
}

TEST_CASE("gate: a member with a name for its host is told to say where it listens", "[cluster][gate]") {
  Pair pair;
  ClusterOptions options = pair.options(0);
  options.members[0].host = "node-0.example";
  std::string why;
  CHECK(Node::make(options, &why).code() == Errc::invalid_argument);
  CHECK(why.find("--cluster-listen") != why.npos);
  options.listen_address = "elsewhere.example";
  CHECK(Node::make(options, &why).code() == Errc::invalid_argument);
  CHECK(why.find("'elsewhere.example'") != why.npos);
  options.listen_address = "::";
  CHECK(Node::make(options, &why));
}

TEST_CASE("gate: members that were told differently do not talk", "[cluster][gate]") {
  Pair pair;
  pair.stop(1);
  ClusterOptions options = pair.options(1);
  options.shards = 4;
  std::string why;
  auto node = Node::make(options, &why);
  REQUIRE(node);
  const TempDir dir;
  EngineOptions engine;
  engine.dir = dir.path();
  engine.cluster = (*node)->cluster();
  const auto opened = Engine::open(engine, &why);
  REQUIRE(opened);
  REQUIRE(eventually([&] { return pair.events().find("configured for another cluster") != std::string::npos; }));
  CHECK_FALSE((*node)->peers().front().connected);
}

}  // namespace kontor::testing
