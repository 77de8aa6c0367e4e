#pragma once
#include <string_view>
#include <vector>

#include "domain/plan.hpp"
#include "persistence/bytes.hpp"

/// The body of an enrolled request, kept for ever in the order journal:
///
///   body      := kind: u8 fields                 (fields by kind, in the order of the structs in operations.hpp)
///   text      := size: u8, bytes                 money := number: u16, minor: zigzag
///   checkout  := customer, number: u16, payees: varint text*, fee account, basis points: u16, lines: varint line*
///   line      := sku, quantity: varint, unit_price: varint (resolved), expected_version: varint, payee: u8
///   amendment := fields, payments: varint payment*, stocks: varint stock*      (cancel, refund, fulfil, redeem and
///   release: what they did)
///   reserve   := checkout, begun_at: u64, expires_at: u64                      (as resolved; Unix time in ns)
///   redeem    := order, begun_at: u64, what it did                             release has its reason: u8 before that
namespace kontor::persistence {

void write_payment(ByteWriter& out, const PaymentDemand& demand);
PaymentDemand read_payment(ByteReader& in);
void write_stock(ByteWriter& out, const StockDemand& demand);
StockDemand read_stock(ByteReader& in);
void write_transaction(ByteWriter& out, const TransactionId& id);
TransactionId read_transaction(ByteReader& in);

/// Writes `operation` as `plan` resolved it.
void write_body(ByteWriter& out, const Operation& operation, const Plan& plan);

/// A body read back. Of what amends an order `payments` and `stocks` are what it did; others plan anew.
struct StoredOperation {
  Operation operation;
  std::vector<PaymentDemand> payments;
  std::vector<StockDemand> stocks;
};
/// Errors: corrupt_journal.
Result<StoredOperation> read_body(std::string_view body);

}  // namespace kontor::persistence
