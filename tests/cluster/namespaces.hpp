#pragma once
#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace kontor::tests {

/// A network namespace for each of three nodes, with a veth pair each to a bridge in one more, and nftables between:
/// packets are lost, so that the kernel's own TCP meets what it would meet on a real road. All of it goes with this
/// process, however that ends: the namespaces have no names and hang on its descriptors.
class Namespaces {
 public:
  /// None, and a notice on standard error why, where this cannot be: without root, ip, nft or what they need of the
  /// kernel.
  static std::unique_ptr<Namespaces> make();
  ~Namespaces();
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  /// For WithinNetwork.
  int network(std::size_t node) const { return networks_.at(node); }
  static std::string address(std::size_t node) { return "10.77.0." + std::to_string(node + 1); }

  /// No packet of `from` arrives at `to`; with TCP the other way comes to a stand too, for want of acknowledgements.
  void drop(std::size_t from, std::size_t to);
  void drop_both(std::size_t a, std::size_t b) { drop(a, b), drop(b, a); }
  /// Whatever either says to the other is answered with a reset.
  void reset(std::size_t a, std::size_t b);
  /// So many of a hundred packets are lost, everywhere.
  void lose(int percent);
  void heal();

 private:
  static constexpr std::size_t kCount = 3;

  Namespaces() = default;
  bool build(std::string& why);
  void apply(std::size_t node) const;

  int switch_ = -1;
  std::array<int, kCount> networks_{-1, -1, -1};
  std::set<std::pair<std::size_t, std::size_t>> dropped_, reset_;  ///< From, to.
  int loss_percent_ = 0;
};

}  // namespace kontor::tests
