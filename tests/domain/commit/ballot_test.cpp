#include "domain/commit/ballot.hpp"

#include <algorithm>

#include "tests/domain/values.hpp"

namespace kontor::commit {
namespace {

using Refusals = std::vector<Refusal>;
constexpr Roles kAll = role_bit(Role::order) | role_bit(Role::inventory) | role_bit(Role::payment);

Refusal no(std::uint32_t index, Role role, Errc code) { return {index, role, Error{code, ""}, {}}; }

}  // namespace

TEST_CASE("ballot: roles have names, and each a bit of its own", "[domain][commit][ballot]") {
  CHECK(to_string(Role::order) == "order");
  CHECK(to_string(Role::inventory) == "inventory");
  CHECK(to_string(Role::payment) == "payment");
  CHECK(to_string(static_cast<Role>(kRoles)) == "unlisted");
  CHECK(kAll == 0b111);
}

TEST_CASE("ballot: it is complete when all that were asked have voted, and not before", "[domain][commit][ballot]") {
  const auto asked = GENERATE(as<Roles>(), 0, 1, 2, 3, 4, 5, 6, 7);
  Ballot ballot(asked);
  Roles left = asked;
  for (const Role role : {Role::payment, Role::order, Role::inventory}) {
    CHECK(ballot.complete() == (left == 0));
    ballot.vote(role, 0, {});
    left = static_cast<Roles>(left & ~role_bit(role));
  }
  CHECK(ballot.complete());
  CHECK(ballot.take_refusals().empty());
}

TEST_CASE("ballot: the first role in order wins, whoever answers first", "[domain][commit][ballot]") {
  std::vector<Role> order{Role::order, Role::inventory, Role::payment};
  const Refusals refused{no(7, Role::order, Errc::conflict), no(7, Role::inventory, Errc::out_of_stock),
                         no(7, Role::payment, Errc::insufficient_funds)};
  do {
    Ballot ballot(kAll);
    for (const Role role : order) ballot.vote(role, 0, std::span(&refused[static_cast<std::size_t>(role)], 1));
    const Refusals refusals = ballot.take_refusals();
    REQUIRE(refusals.size() == 1);
    CHECK(refusals[0].role == Role::order);
    CHECK(refusals[0].error.code == Errc::conflict);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("ballot: refusals come once for each transaction, in the order of the batch", "[domain][commit][ballot]") {
  Ballot ballot(kAll);
  ballot.vote(Role::payment, 0,
              Refusals{no(1, Role::payment, Errc::insufficient_funds), no(4, Role::payment, Errc::unknown_account)});
  ballot.vote(Role::inventory, 0,
              Refusals{no(0, Role::inventory, Errc::out_of_stock), no(4, Role::inventory, Errc::price_changed)});
  ballot.vote(Role::order, 0, Refusals{no(2, Role::order, Errc::conflict)});
  const Refusals refusals = ballot.take_refusals();
  REQUIRE(refusals.size() == 4);
  const Errc codes[] = {Errc::out_of_stock, Errc::insufficient_funds, Errc::conflict, Errc::price_changed};
  const std::uint32_t indexes[] = {0, 1, 2, 4};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(refusals[i].index == indexes[i]);
    CHECK(refusals[i].error.code == codes[i]);
  }
}

TEST_CASE("ballot: a repeated vote changes nothing, nor does one that was not asked", "[domain][commit][ballot]") {
  Ballot ballot(role_bit(Role::order) | role_bit(Role::payment));
  ballot.vote(Role::order, 5, Refusals{no(0, Role::order, Errc::conflict)});
  ballot.vote(Role::order, 50, Refusals{no(1, Role::order, Errc::conflict)});
  ballot.vote(Role::inventory, 500, Refusals{no(2, Role::inventory, Errc::out_of_stock)});
  CHECK_FALSE(ballot.complete());
  ballot.vote(Role::payment, 6, {});
  CHECK(ballot.complete());
  CHECK(ballot.position() == 6);
  CHECK(ballot.take_refusals().size() == 1);
}

TEST_CASE("ballot: the site's vote stands where the last of its records stands", "[domain][commit][ballot]") {
  Ballot ballot(kAll);
  CHECK(ballot.position() == 0);
  ballot.vote(Role::payment, 12, {});
  ballot.vote(Role::order, 10, {});
  ballot.vote(Role::inventory, 0, {});  // All refused: nothing written.
  CHECK(ballot.position() == 12);
}

}  // namespace kontor::commit
