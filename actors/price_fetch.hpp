#pragma once
#include <functional>
#include <span>
#include <vector>

#include "actors/fabric.hpp"

namespace kontor::actors {

/// A checkout that could not be planned, since the price list does not have one of its products.
struct Unpriced {
  std::uint32_t index = 0;  ///< Of the caller's requests.
  Request request;
  Error refusal;  ///< Set when a home did not answer.
};

/// In a cluster, price lists fill as products are asked for. Reads those products of the checkouts that are not on the
/// list at their homes, lists them, and calls `then` with the checkouts once, when all have answered.
void fetch_prices(Fabric& fabric, std::vector<Unpriced> checkouts, std::function<void(std::span<const Unpriced>)> then);

}  // namespace kontor::actors
