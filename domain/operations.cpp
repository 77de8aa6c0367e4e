#include "domain/operations.hpp"

namespace kontor {

std::string_view to_string(AccountKind kind) {
  switch (kind) {
    case AccountKind::wallet: return "wallet";
    case AccountKind::external: return "external";
  }
  return "unlisted";
}

std::string_view to_string(ReleaseReason reason) {
  switch (reason) {
    case ReleaseReason::asked: return "asked";
    case ReleaseReason::expired: return "expired";
  }
  return "unlisted";
}

std::string_view to_string(OperationKind kind) {
  switch (kind) {
    case OperationKind::open_account: return "open_account";
    case OperationKind::deposit: return "deposit";
    case OperationKind::withdraw: return "withdraw";
    case OperationKind::transfer: return "transfer";
    case OperationKind::define_product: return "define_product";
    case OperationKind::set_price: return "set_price";
    case OperationKind::receive_stock: return "receive_stock";
    case OperationKind::adjust_stock: return "adjust_stock";
    case OperationKind::checkout: return "checkout";
    case OperationKind::cancel: return "cancel";
    case OperationKind::refund: return "refund";
    case OperationKind::fulfil: return "fulfil";
    case OperationKind::unmatched_refund: return "unmatched_refund";
    case OperationKind::reserve: return "reserve";
    case OperationKind::redeem: return "redeem";
    case OperationKind::release: return "release";
  }
  return "unlisted";
}

}  // namespace kontor
