#pragma once

namespace CLI {
class App;
}

/// Each subcommand adds itself to the program and, when it was chosen and has run, sets the program's exit code.
namespace kontor::cmd {

void add_load_command(CLI::App& app, int& exit_code);
void add_demo_command(CLI::App& app, int& exit_code);
void add_replay_command(CLI::App& app, int& exit_code);
void add_audit_command(CLI::App& app, int& exit_code);
void add_explain_command(CLI::App& app, int& exit_code);
void add_journal_command(CLI::App& app, int& exit_code);
void add_serve_command(CLI::App& app, int& exit_code);
void add_keys_command(CLI::App& app, int& exit_code);
void add_cluster_command(CLI::App& app, int& exit_code);

// Over HTTP (client/).
void add_get_command(CLI::App& app, int& exit_code);
void add_product_command(CLI::App& app, int& exit_code);
void add_account_command(CLI::App& app, int& exit_code);
void add_checkout_command(CLI::App& app, int& exit_code);
void add_order_command(CLI::App& app, int& exit_code);
void add_reservation_command(CLI::App& app, int& exit_code);
void add_transaction_command(CLI::App& app, int& exit_code);
void add_events_command(CLI::App& app, int& exit_code);

/// Comes last: it tells of all others.
void add_completion_command(CLI::App& app, int& exit_code);

}  // namespace kontor::cmd
