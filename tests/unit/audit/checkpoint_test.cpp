#include "audit/checkpoint.hpp"

#include <gtest/gtest.h>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

const std::string example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

TEST(Checkpoint, TheSpecificationsExampleIsReadAndWritten) {
  const auto checkpoint = Checkpoint::parse(example);
  ASSERT_TRUE(checkpoint) << checkpoint.error();
  EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint->size, 20852163U);
  EXPECT_EQ(base64(as_text(checkpoint->root)), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
  EXPECT_EQ(checkpoint->text(), example);
}

TEST(Checkpoint, ExtensionLinesAreKept) {
  const auto checkpoint = Checkpoint::parse(example + "one\ntwo\n");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->extensions, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(checkpoint->text(), example + "one\ntwo\n");
}

TEST(Checkpoint, WhatIsNotOneIsRefused) {
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  for (const std::string& bad :
       {std::string(), std::string("o\n"), std::string("o\n1\n"), "o\n01\n" + root, "o\n-1\n" + root, "o\n\n" + root,
        "\n1\n" + root, "o\n18446744073709551616\n" + root, "o\n1 \n" + root, std::string("o\n1\nAAAA\n"),
        "o\n1\n" + root + "\n", "o\n1\n" + root.substr(0, root.size() - 1)}) {
    EXPECT_FALSE(Checkpoint::parse(bad)) << bad;
  }
  EXPECT_TRUE(Checkpoint::parse("o\n0\n" + root));
}

TEST(Checkpoint, OnlyOfTheLogThatTheKeyIsNamedAfter) {
  const NoteSigner signer = NoteSigner::generate("log/1");
  const Checkpoint ours{.origin = "log/1", .size = 3, .root = empty_root()};
  EXPECT_EQ(open_checkpoint(signer.verifier(), signer.sign(ours.text())), ours);
  Checkpoint other = ours;
  other.origin = "log/2";
  EXPECT_EQ(open_checkpoint(signer.verifier(), signer.sign(other.text())).error(), "it is of another log, log/2");
  EXPECT_FALSE(open_checkpoint(signer.verifier(), signer.sign("hello\n")));
}

}  // namespace
}  // namespace tenon::audit
