#pragma once
#include <cstdint>
#include <string>

namespace kontor::tests {

/// A file in the format of `kontor replay`, header included, drawn from `seed`: few customers and products, so that
/// much depends on what came before; refunds of what was bought and of what was not; adjustments; rows to refuse; an
/// invoice interrupted by another now and then.
std::string random_invoices(std::uint32_t seed, std::uint32_t invoices);

}  // namespace kontor::tests
