#include "persistence/effects.hpp"

namespace kontor::persistence {
namespace {

/// Stored checkouts name the price of every line, so that planning them anew needs no list.
class NoPrices : public PriceList {
 public:
  const ListedPrice* find(const Sku&) const override { return nullptr; }
};

}  // namespace

Result<void> effects_of(const StoredOperation& stored, Plan& out) {
  switch (kind_of(stored.operation)) {
    case OperationKind::cancel:
    case OperationKind::refund:
    case OperationKind::fulfil:
    case OperationKind::redeem:
    case OperationKind::release:
      out.clear();
      out.payments.assign(stored.payments.begin(), stored.payments.end());
      out.stocks.assign(stored.stocks.begin(), stored.stocks.end());
      return {};
    default: break;
  }
  const auto* reserve = std::get_if<Reserve>(&stored.operation);
  const std::int64_t begun_at_ns = reserve ? reserve->begun_at_ns : 0;
  if (auto planned = plan(stored.operation, NoPrices{}, out, begun_at_ns); !planned)
    return Error{Errc::corrupt_journal, "a committed request that cannot be planned"};
  return {};
}

}  // namespace kontor::persistence
