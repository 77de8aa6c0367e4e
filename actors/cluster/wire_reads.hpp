#pragma once
#include "actors/cluster/wire.hpp"

/// Reads that cross from node to node, and what was read:
///
///   answer := ok: u8, value | error          (which value: by the read that the ticket stands for)
namespace kontor::actors::wire {

void write_question(persistence::ByteWriter& out, const ReadAccount& read);
void write_question(persistence::ByteWriter& out, const ReadProduct& read);
void write_question(persistence::ByteWriter& out, const ReadProducts& read);
void write_question(persistence::ByteWriter& out, const ReadAccounts& read);
void write_question(persistence::ByteWriter& out, const ReadOrder& read);
void write_question(persistence::ByteWriter& out, const ReadTransaction& read);
void write_question(persistence::ByteWriter& out, const ReadEvents& read);
void read_question(persistence::ByteReader& in, ReadAccount& read);
void read_question(persistence::ByteReader& in, ReadProduct& read);
void read_question(persistence::ByteReader& in, ReadProducts& read);
void read_question(persistence::ByteReader& in, ReadAccounts& read);
void read_question(persistence::ByteReader& in, ReadOrder& read);
void read_question(persistence::ByteReader& in, ReadTransaction& read);
void read_question(persistence::ByteReader& in, ReadEvents& read);

void write_value(persistence::ByteWriter& out, const Account& value);
void write_value(persistence::ByteWriter& out, const Product& value);
void write_value(persistence::ByteWriter& out, const ProductPage& value);
void write_value(persistence::ByteWriter& out, const AccountPage& value);
void write_value(persistence::ByteWriter& out, const Order& value);
void write_value(persistence::ByteWriter& out, const TransactionRecord& value);
void write_value(persistence::ByteWriter& out, const EventPage& value);
void read_value(persistence::ByteReader& in, Account& value);
void read_value(persistence::ByteReader& in, Product& value);
void read_value(persistence::ByteReader& in, ProductPage& value);
void read_value(persistence::ByteReader& in, AccountPage& value);
void read_value(persistence::ByteReader& in, Order& value);
void read_value(persistence::ByteReader& in, TransactionRecord& value);
void read_value(persistence::ByteReader& in, EventPage& value);

void write_products(persistence::ByteWriter& out, std::span<const Product> products);
std::vector<Product> read_products(persistence::ByteReader& in);

inline void write_refusal(persistence::ByteWriter& out, const Error& error) {
  out.fixed(std::uint8_t{0}), write_error(out, error);
}

template <class Value>
void write_answer(persistence::ByteWriter& out, const Result<Value>& answer) {
  if (!answer) return write_refusal(out, answer.error());
  out.fixed(std::uint8_t{1}), write_value(out, *answer);
}

/// `io_error` for what cannot be read: the read may be tried again.
template <class Value>
Result<Value> read_answer(persistence::ByteReader& in) {
  const Error unreadable{Errc::io_error, "answer of another node"};
  if (in.fixed<std::uint8_t>() == 0) {
    const Error error = read_error(in);
    return in.done() && error.code != Errc::none ? error : unreadable;
  }
  Value value;
  read_value(in, value);
  if (!in.done()) return unreadable;
  return value;
}

}  // namespace kontor::actors::wire
