#include "tests/cluster/namespaces.hpp"

#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/within_network.hpp"

namespace kontor::tests {
namespace {

using testing::WithinNetwork;

/// A new one, by a thread that ends with it. -1: refused.
int new_network() {
  int made = -1;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) made = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  }).join();
  return made;
}

/// What a thread starts is in its network.
bool run_in(int network, const std::string& command) {
  const WithinNetwork there(network);
  return std::system((command + " 2>/dev/null").c_str()) == 0;
}

}  // namespace

std::unique_ptr<Namespaces> Namespaces::make() {
  std::unique_ptr<Namespaces> made(new Namespaces);
  std::string why;
  if (made->build(why)) return made;
  std::fprintf(stderr, "notice: skipped, without network namespaces: %s\n", why.c_str());
  return nullptr;
}

bool Namespaces::build(std::string& why) {
  if (::geteuid() != 0) return why = "not root", false;
  if (std::system("command -v ip nft >/dev/null") != 0) return why = "no ip or no nft (iproute2, nftables)", false;
  switch_ = new_network();
  if (switch_ < 0) return why = "the kernel makes none", false;
  const std::string bridge = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(switch_);
  if (!run_in(switch_, "ip link add name joint type bridge && ip link set joint up"))
    return why = "the kernel has no bridges", false;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string port = "port" + std::to_string(i);
    networks_[i] = new_network();
    if (networks_[i] < 0) return why = "the kernel makes no more", false;
    if (!run_in(networks_[i], "ip link set lo up && ip link add name road type veth peer name " + port + " netns " +
                                  bridge + " && ip address add " + address(i) + "/24 dev road && ip link set road up"))
      return why = "the kernel has no veth", false;
    if (!run_in(switch_, "ip link set " + port + " master joint && ip link set " + port + " up"))
      return why = "no port at the bridge", false;
    if (!run_in(networks_[i],
                "nft 'add table inet faults; add chain inet faults arriving { type filter hook input priority 0; }; "
                "add rule inet faults arriving iifname road numgen random mod 100 < 0 drop'"))
      return why = "nftables are refused", false;
  }
  return true;
}

Namespaces::~Namespaces() {
  for (const int network : networks_)
    if (network >= 0) ::close(network);
  if (switch_ >= 0) ::close(switch_);
}

void Namespaces::apply(std::size_t node) const {
  std::string rules = "flush chain inet faults arriving; ";
  const auto rule = [&](const std::string& words) { rules += "add rule inet faults arriving " + words + "; "; };
  for (std::size_t other = 0; other < kCount; ++other) {
    if (dropped_.contains({other, node})) rule("ip saddr " + address(other) + " drop");
    if (reset_.contains({other, node})) rule("ip saddr " + address(other) + " meta l4proto tcp reject with tcp reset");
  }
  if (loss_percent_ > 0) rule("iifname road numgen random mod 100 < " + std::to_string(loss_percent_) + " drop");
  REQUIRE(run_in(networks_.at(node), "nft '" + rules + "'"));
}

void Namespaces::drop(std::size_t from, std::size_t to) {
  dropped_.emplace(from, to);
  apply(to);
}

void Namespaces::reset(std::size_t a, std::size_t b) {
  reset_.emplace(a, b), reset_.emplace(b, a);
  apply(a), apply(b);
}

void Namespaces::lose(int percent) {
  loss_percent_ = percent;
  for (std::size_t i = 0; i < kCount; ++i) apply(i);
}

void Namespaces::heal() {
  dropped_.clear(), reset_.clear();
  lose(0);
}

}  // namespace kontor::tests
