#include "node/secret.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_folder.hpp"

namespace tenon {
namespace {

// Killed while it wrote; and in a container the next one has the same number.
TEST(ASecret, IsMadeAlsoWhereAProcessOfThisNumberLeftItsDraft) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "secret";
  std::ofstream(file.string() + "." + std::to_string(::getpid())) << "half a";
  const std::string secret = read_secret(file, SecretMaker::us);
  EXPECT_EQ(secret.size(), 64U);
  EXPECT_EQ(read_secret(file, SecretMaker::people), secret);
  const auto files = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  EXPECT_EQ(files, 2) << "and leaves none of its own";
}

}  // namespace
}  // namespace tenon
