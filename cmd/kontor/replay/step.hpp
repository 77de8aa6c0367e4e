#pragma once
#include <cstdint>

#include <boost/container/small_vector.hpp>

#include "domain/operations.hpp"

/// One operation of the replay, with what it needs to know about the operations before it.
///
/// The replayer keeps books of its own, in the order of the file, and gives each operation exactly the money and stock
/// that it will need. Operations run at once all the same, far out of that order, and after a crash any part of them
/// is done already. What keeps that right is one rule: **who takes from an account or SKU waits until all who gave to
/// it earlier in the file are durable; nobody waits for those who take.** Proof: let any set of takers be done or under
/// way, and m the last of them in file order. All gifts before m are there, and by the books, where nothing is ever
/// below zero, they suffice for all takers up to m, so for any set of them.
namespace kontor::cmd::replay {

/// An account, product or order, by number.
struct Object {
  enum class Kind : std::uint32_t { account, product, order };
  Kind kind = Kind::account;
  std::uint32_t index = 0;
  friend bool operator==(const Object&, const Object&) = default;
  friend std::size_t hash_value(const Object& object) {
    return (std::uint64_t{static_cast<std::uint32_t>(object.kind)} << 32 | object.index) * 0x9e3779b97f4a7c15u;
  }
};

/// What an operation does with an object, and so for whom it waits: for the creator always.
enum class Role : std::uint8_t {
  creates,  ///< Waits for nobody; all others wait for it.
  names,    ///< Waits for the creator only, and nobody for it: the bank, whose account has no floor.
  gives,    ///< As `names`, but takers wait for it.
  takes,    ///< Waits for all earlier givers.
  amends,   ///< Both: one after the other. Refunds of one order.
};

struct Touch {
  Object object;
  Role role = Role::names;
};

struct Step {
  static constexpr std::uint32_t kNone = 0xffffffff;
  Request request;                ///< A Refund has no order yet: its id is the checkout's transaction.
  std::uint32_t invoice = kNone;  ///< Index of the invoice whose booking this is; none: it only prepares one.
  std::uint32_t order = kNone;    ///< Checkout: the order it creates. Refund: the order it amends.
  boost::container::small_vector<Touch, 8> touches;  ///< Each object once.
};

}  // namespace kontor::cmd::replay
