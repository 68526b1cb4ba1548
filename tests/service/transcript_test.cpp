// The transcript on README's first screen, run literally against a fresh demo node.
//
// It is the fenced block after the line `<!-- transcript -->`: lines that begin with "$ " are commands (continued where
// one ends in a backslash), the lines after them what they print, in which "…" stands for anything. One bash runs them
// all, with TOKEN, ID and BASE as the node's greeting sets them up and `tenon` on the PATH.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

constexpr std::string_view readme_address = "127.0.0.1:8080";
constexpr std::string_view anything = "…";

struct Step {
  std::string command;
  std::string expected;  // without the last line end
};

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::vector<Step> steps_of(const std::string& readme) {
  std::vector<Step> steps;
  const std::size_t mark = readme.find("<!-- transcript -->");
  if (mark == std::string::npos) return steps;
  std::istringstream text(readme.substr(mark));
  bool inside = false;
  bool in_command = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) {
      if (inside) break;
      inside = true;
    } else if (!inside) {
      continue;
    } else if (line.starts_with("$ ")) {
      steps.push_back({.command = line.substr(2), .expected = {}});
      in_command = line.ends_with('\\');
    } else if (in_command) {
      steps.back().command += "\n" + line;
      in_command = line.ends_with('\\');
    } else if (!steps.empty()) {
      steps.back().expected += line + "\n";
    }
  }
  return steps;
}

// Without carriage returns, spaces at line ends, and empty lines at the end.
std::string tidy(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    out += line.substr(0, line.find_last_not_of(" \r\t") + 1) + "\n";
  }
  return out.substr(0, out.find_last_not_of('\n') + 1);
}

bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t wild = pattern.find(anything);
  if (wild == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, wild))) return false;
  const std::string_view rest = pattern.substr(wild + anything.size());
  for (std::size_t at = wild; at <= text.size(); ++at) {
    if (matches(rest, text.substr(at))) return true;
  }
  return false;
}

// What each command printed, both streams together.
std::vector<std::string> run_in_one_bash(const std::vector<Step>& steps, const std::string& preamble) {
  const TemporaryFolder folder;
  const std::string mark = "@@ the next command @@";
  std::ofstream script(folder.path() / "script");
  script << "exec 2>&1\n" << preamble;
  for (const Step& step : steps) script << "printf '%s' '" << mark << "'\n" << step.command << "\n";
  script.close();
  ChildProgram bash({"/bin/bash", folder.path() / "script"}, folder.path() / "errors");
  EXPECT_TRUE(bash.await_end(std::chrono::seconds(60)).has_value());
  std::vector<std::string> outputs;
  const std::string& output = bash.output();
  for (std::size_t at = output.find(mark); at != std::string::npos;) {
    const std::size_t next = output.find(mark, at + mark.size());
    outputs.push_back(output.substr(at + mark.size(), next == std::string::npos ? next : next - at - mark.size()));
    at = next;
  }
  return outputs;
}

TEST(Transcript, OfTheReadmeIsWhatHappens) {
  const std::vector<Step> steps = steps_of(content_of(TENON_README));
  ASSERT_FALSE(steps.empty()) << "README.md has no block of commands after <!-- transcript -->";
  const Node node({.arguments = {"--demo"}});
  const std::string address = "127.0.0.1:" + std::to_string(node.port());
  const std::string first = node.call(get(node, "/api/inventory?limit=1")).body;
  const std::string preamble =
      "BASE=http://" + address + "\nTOKEN=" + node.token("clerk-1", "admin") + "\nID=" + at(first, "items.0.id") +
      "\nexport BASE TOKEN ID\nPATH=" + std::filesystem::path(TENON_BINARY).parent_path().string() + ":$PATH\n";
  std::vector<Step> here = steps;
  for (Step& step : here) step.command = replaced(step.command, readme_address, address);
  const std::vector<std::string> outputs = run_in_one_bash(here, preamble);
  ASSERT_EQ(outputs.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string printed = tidy(replaced(outputs[i], address, std::string(readme_address)));
    EXPECT_TRUE(matches(tidy(steps[i].expected), printed)) << "$ " << steps[i].command << "\nprinted:\n"
                                                           << printed << "\nREADME.md says:\n"
                                                           << steps[i].expected;
  }
}

// The test of the test: a pattern that anything fits would prove nothing.
TEST(Transcript, IsComparedToTheLetterButForWhatIsLeftOut) {
  EXPECT_TRUE(matches("a … c", "a b c"));
  EXPECT_TRUE(matches("a…", "a"));
  EXPECT_TRUE(matches("…\nETag: W/\"v2\"\n…", "HTTP/1.1 200 OK\nETag: W/\"v2\"\n\n{}"));
  EXPECT_FALSE(matches("a … c", "a b d"));
  EXPECT_FALSE(matches("a", "a b"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("…replayed…", "stored"));
  const auto steps = steps_of("x\n<!-- transcript -->\n\n```console\n$ one \\\n  two\nout\nmore\n$ three\n```\n$ no\n");
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].command, "one \\\n  two");
  EXPECT_EQ(steps[0].expected, "out\nmore\n");
  EXPECT_EQ(steps[1].expected, "");
}

}  // namespace
}  // namespace tenon::test
