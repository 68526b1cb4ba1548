#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

// Flags of `serve` by name, with the default that --help shows (empty: none).
std::map<std::string, std::string> flags_of_serve() {
  // "--listen TEXT=127.0.0.1:8080 (Env:TENON_LISTEN)"
  static const std::regex line(R"(  (--[a-z-]+)(?: [^\n]*?)?(?:=(\S+))? (?:\.\.\. )?\(Env:(TENON_[A-Z_]+)\))");
  const std::string help = run_tenon("serve --help").text;
  std::map<std::string, std::string> flags;
  for (std::sregex_iterator found(help.begin(), help.end(), line), end; found != end; ++found) {
    flags[(*found)[1]] = (*found)[2];
    std::string variable = "TENON_" + (*found)[1].str().substr(2);
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ((*found)[3], variable) << "the page says how variables are named";
  }
  return flags;
}

// The flags that a row of the page is about, with its default.
std::map<std::string, std::string> flags_on_the_page() {
  std::map<std::string, std::string> flags;
  for (const Row& row : rows_of(page("docs/reference/settings.md"))) {
    for (const std::string& flag : code_in(row[0])) {
      if (flag.starts_with("--")) flags[flag] = row[1];
    }
  }
  return flags;
}

std::set<std::string> names_of(const std::map<std::string, std::string>& flags) {
  std::set<std::string> names;
  for (const auto& [name, value] : flags) names.insert(name);
  return names;
}

TEST(SettingsPage, ListsEveryFlagOfServeAndNoOther) {
  const auto flags = flags_of_serve();
  EXPECT_GT(flags.size(), 15U) << "--help was not understood";
  EXPECT_EQ(names_of(flags_on_the_page()), names_of(flags));
}

TEST(SettingsPage, TellsTheDefaultsThatServeHas) {
  const auto on_the_page = flags_on_the_page();
  for (auto [flag, value] : flags_of_serve()) {
    if (value.starts_with('[')) value = value.substr(1, value.size() - 2);  // a list
    // One depends on who asks, the other is a boolean that --help shows as a number.
    if (value.empty() || flag == "--data-dir" || flag == "--log-requests") continue;
    const auto row = on_the_page.find(flag);
    ASSERT_NE(row, on_the_page.end()) << flag;
    EXPECT_THAT(row->second, HasSubstr(value)) << flag;
  }
}

TEST(SettingsPage, NamesEveryLimit) {
  // "...; there are: inventory-read, inventory-write (and all=off)"
  const std::string refusal = run_tenon("config check --limit no-such-limit=off").text;
  const std::size_t begin = refusal.find("there are: ");
  ASSERT_NE(begin, std::string::npos) << refusal;
  const std::string text = page("docs/reference/settings.md");
  std::istringstream names(refusal.substr(begin + 11, refusal.find(" (and") - begin - 11));
  for (std::string name; std::getline(names >> std::ws, name, ',');) EXPECT_THAT(text, HasSubstr(name));
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    std::string name = "/tmp/tenon-docs-XXXXXX";
    const int fd = ::mkstemp(name.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Output check() const { return run_tenon("config check --config " + path_); }

 private:
  std::string path_;
};

std::string example_file() {
  const std::string text = page("docs/reference/settings.md");
  std::istringstream lines(text.substr(text.find("    # tenon.toml")));
  std::string example;
  for (std::string line; std::getline(lines, line) && (line.empty() || line.starts_with("    "));) {
    example += line + "\n";
  }
  return example;
}

TEST(SettingsPage, ShowsAFileThatTheProgramTakes) {
  const Output output = ConfigFile(example_file()).check();
  EXPECT_EQ(output.exit_code, 0) << output.text;
}

TEST(LimitsPage, ShowsAFileThatTheProgramTakes) {
  const std::string text = page("docs/reference/limits.md");
  std::istringstream lines(text.substr(text.find("    [limits]")));
  std::string example;
  for (std::string line; std::getline(lines, line) && (line.empty() || line.starts_with("    "));)
    example += line + "\n";
  EXPECT_THAT(example, HasSubstr("routes"));
  const Output output = ConfigFile(example).check();
  EXPECT_EQ(output.exit_code, 0) << output.text;
}

TEST(ConfigCheck, FindsWhatServeWouldRefuse) {
  struct {
    std::string file;
    std::string told;
  } const rows[] = {
      {"no-such-setting = 1\n", "no-such-setting"},
      {"[limit]\nno-such-limit = \"1/min\"\n", "no-such-limit"},
      {"[limit]\ninventory-write = \"often\"\n", "often"},
      {"trusted-proxy = [\"everybody\"]\n", "everybody"},
      {"key-lifetime = 5\n", "30 seconds to 7 days"},
      {"conflict-status = 400\n", "conflict-status"},
      {"listen = \n", "line 1"},
      {"headers = \"drafts\"\n", "headers"},
      {"[limits]\nheaders = \"drafts\"\n", "headers"},
      {"limits = 3\n", ", line 1: limits is a table"},
      {"listen = \"127.0.0.1:0\"\nno-such-setting = 1\n", ", line 2 sets \"no-such-setting\", which is no setting"},
      {"[limits.inventroy-write]\nrate = \"1/s\"\n",
       "line 2: there is no limit \"inventroy-write\" (did you mean \"inventory-write\"?)"},
      {"[limits]\ninventroy-write = \"1/s\"\n", "(did you mean \"inventory-write\"?)"},
      {"[limits.inventory-write]\n\nrate = \"20/mim\"\n",
       "line 3: \"20/mim\" is not a rate: there is no unit \"mim\" (did you mean \"min\"?)"},
      {"[limits.inventory-write]\nrate = 20\n", "line 2: \"20\" is not a rate"},
      {"[limits.inventory-write]\nrate = [\"20/min\"]\n", "line 2: rate is not a list"},
      {"[limits.inventory-write]\nroutes = \"POST /api/orders\"\n", "line 2: routes is a list"},
      {"[limits.inventory-write]\nroutes = [\"POST /api/order\"]\n",
       "line 2: there is no route \"POST /api/order\" (did you mean \"POST /api/orders\"?)"},
      {"[limits.inventory-write]\nper = \"users\"\n", "line 2: per is \"user\" or \"address\""},
      {"[limits.inventory-write]\nper = \"user\"\n", "line 2: the limit \"inventory-write\" is per address"},
      {"[limits.inventory-write]\nmode = \"shade\"\n", "(did you mean \"shadow\"?)"},
      {"[limits.inventory-write]\non_store_los = \"open\"\n", "(did you mean \"on_store_loss\"?)"},
      {"[limits.mine]\nrate = \"1/s\"\nroutes = [\"POST /api/orders\"]\n",
       "\"mine\" is new; a limit of your own needs rate, per and routes"},
      {"[limits.Mine]\nrate = \"1/s\"\nper = \"user\"\nroutes = [\"POST /api/orders\"]\n",
       "\"Mine\" is no name for a limit"},
      {"[limits.mine]\nrate = \"1/s\"\nper = \"user\"\nroutes = []\n",
       "line 4: the limit \"mine\" is of no route; a limit of your own needs rate, per and routes"},
      {"[limits.inventory-write]\nrate = \"1/s\"\nrate = \"2/s\"\n", "line 3"},
      {"connections = 0\n", "connections: Value 0 not in range"},
      {"connections-per-peer = 0\n", "connections-per-peer: Value 0 not in range"},
      {"live-keys-per-user = -1\n", "live-keys-per-user: Value -1 not in range"},
      {"database-url = \"mysql://x\"\n", "--database-url is neither a URL"},
      {"database-url = \"host=x\"\nmigrate-url = \"postgres\"\n", "--migrate-url is neither a URL"},
      {"migrate-url = \"postgres://admin@h/d\"\n", "--migrate-url goes with --database-url"},
  };
  for (const auto& [text, told] : rows) {
    const ConfigFile file(text);
    const Output output = file.check();
    EXPECT_NE(output.exit_code, 0) << text;
    EXPECT_THAT(output.text, HasSubstr(told)) << text;
    if (told.find("line ") != std::string::npos) {
      EXPECT_THAT(output.text, HasSubstr(file.path() + ", line ")) << text;
    }
  }
}

// No flag's number becomes another one.
TEST(ConfigCheck, RefusesNumbersThatAreNoneOfAnOption) {
  const std::string help = run_tenon("serve --help").text;
  static const std::regex number(R"((--[a-z-]+) (?:UINT|INT)\b)");
  int options = 0;
  for (std::sregex_iterator found(help.begin(), help.end(), number), end; found != end; ++found, ++options) {
    for (const std::string value : {"-1", "-5", "99999999999999999999999"}) {
      const std::string flag = (*found)[1].str() + "=" + value;
      const Output output = run_tenon("config check " + flag);
      EXPECT_EQ(output.exit_code, 1) << flag;
      EXPECT_THAT(output.text, HasSubstr((*found)[1].str() + ":")) << flag;
    }
  }
  EXPECT_GT(options, 15) << "--help was not understood";
}

TEST(CommandLine, NamesACommandThatThereIsNotAndThoseThatThereAre) {
  const struct {
    std::string arguments;
    std::string told;
  } rows[] = {
      {"bogus", "there is no command \"bogus\"; the commands are serve, migrate, token, audit, keys, sign, config"},
      {"keys lst", "there is no command \"lst\"; the commands are add, list, revoke"},
      {"--verison", "there is no flag \"--verison\""},
      {"keys add --public-key x", "--sub is required"},
  };
  for (const auto& [arguments, told] : rows) {
    const Output output = run_tenon(arguments);
    EXPECT_EQ(output.exit_code, 1) << arguments;
    EXPECT_THAT(output.text, HasSubstr(told)) << arguments;
  }
}

TEST(CommandLine, SaysDurationWhereOneIsTaken) {
  EXPECT_THAT(run_tenon("serve --help").text, HasSubstr("DURATION (10m), or SCOPE=DURATION"));
}

// Each names a limit that is not there: whichever is told won.
TEST(Settings, OfAFlagWinOverTheFileAndThoseOfTheFileOverAVariable) {
  const ConfigFile file("[limit]\nfrom-file = \"1/min\"\n");
  const std::string variable = "TENON_LIMIT=from-variable=1/min";
  const std::string flag = " --limit from-flag=1/min";
  for (const std::string command : {"config check", "serve"}) {
    const std::string with_file = command + " --config " + file.path();
    EXPECT_THAT(run_tenon(command, variable).text, HasSubstr("from-variable"));
    EXPECT_THAT(run_tenon(with_file, variable).text, HasSubstr("from-file"));
    EXPECT_THAT(run_tenon(with_file + flag, variable).text, HasSubstr("from-flag"));
    EXPECT_THAT(run_tenon(command + flag, variable).text, HasSubstr("from-flag"));
  }
}

TEST(Settings, AreReadFromTheFileThatAVariableNames) {
  const ConfigFile file("[limit]\nfrom-file = \"1/min\"\n");
  const ConfigFile other("[limit]\nfrom-other = \"1/min\"\n");
  const std::string variable = "TENON_CONFIG=" + file.path();
  EXPECT_THAT(run_tenon("config check", variable).text, HasSubstr("from-file"));
  EXPECT_THAT(run_tenon("config check --config " + other.path(), variable).text, HasSubstr("from-other"));
  EXPECT_THAT(run_tenon("config check", "TENON_CONFIG=/nowhere/tenon.toml").text, HasSubstr("/nowhere/tenon.toml"));
}

TEST(Settings, OfTheDataDirectoryAreTheSameForTokenAsForServe) {
  const std::string folder = ::testing::TempDir() + "tenon-docs-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const std::string secret = folder + "/secret";  // as a node made it
  std::ofstream(secret) << "0f9d1c7be2a84653a7d1e5b2c4f6089d";
  std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
  const std::string nowhere = "TENON_DATA_DIR=/proc/nowhere";
  const ConfigFile file("data-dir = \"" + folder + "\"\n");
  EXPECT_EQ(run_tenon("token --sub ann --data-dir " + folder, nowhere).exit_code, 0);
  EXPECT_EQ(run_tenon("token --sub ann --config " + file.path(), nowhere).exit_code, 0);
  EXPECT_EQ(run_tenon("token --sub ann", "TENON_DATA_DIR=" + folder).exit_code, 0);
  EXPECT_NE(run_tenon("token --sub ann", nowhere).exit_code, 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tenon::test
