#include "cmd/kontor/replay/row_refusal.hpp"

namespace kontor::cmd::replay {

std::string_view to_string(RowFault fault) {
  switch (fault) {
    case RowFault::unreadable_row: return "unreadable_row";
    case RowFault::invoice_prefix: return "invoice_prefix";
    case RowFault::negative_price: return "negative_price";
    case RowFault::fractional_pence: return "fractional_pence";
    case RowFault::zero_quantity: return "zero_quantity";
    case RowFault::zero_price: return "zero_price";
    case RowFault::wrong_sign: return "wrong_sign";
    case RowFault::mixed_customer: return "mixed_customer";
  }
  return "unreadable_row";
}

}  // namespace kontor::cmd::replay
