#pragma once
#include "persistence/operation_codec.hpp"

namespace kontor::persistence {

/// What a committed request did to accounts and stock: `plan` gets its payments and stocks. Of an amendment
/// (cancel, refund, fulfilment, redemption, release) they are on record; all others are planned anew, since a stored
/// checkout names the price of every line. Errors: corrupt_journal (no such request can have been committed).
Result<void> effects_of(const StoredOperation& stored, Plan& plan);

}  // namespace kontor::persistence
