#pragma once
#include <string>

#include <boost/json/object.hpp>

#include "cmd/kontor/client/caller.hpp"

namespace kontor::cmd::client {

/// An object as the server gave it, for people: its members one below the other, and each list of objects as a table
/// beneath. What a later server adds is shown too.
std::string object_text(const boost::json::object& object, bool colour);
/// The elements of a list, one a row.
std::string list_text(const boost::json::object& list, bool colour);
/// An event on one line: when, where to go on after it, the transaction, what it did.
std::string event_line(const boost::json::object& event);
/// One value on one line: money as "12.99 GBP".
std::string value_text(const boost::json::value& value);

/// Prints a reply, results on standard output and all else on standard error, and says what the program ends with.
/// With --json what the server said is printed as it is, on one line, problems too.
int print_reply(const Reply& reply, const std::string& command, const CallOptions& options);
/// Prints why nothing came of it, on standard error. Also for an answer that is not what was asked for.
int print_failure(const Reply& reply, const std::string& command, const CallOptions& options);

}  // namespace kontor::cmd::client
