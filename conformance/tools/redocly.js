// Lints an OpenAPI document with the rules of `redocly lint --extends recommended-strict`,
// whose command line needs a newer Node than some distributions have.
const { createConfig, formatProblems, getTotals, lint } = require("@redocly/openapi-core");

async function main(ref) {
  const config = await createConfig({ extends: ["recommended-strict"] });
  const problems = await lint({ ref, config });
  const totals = getTotals(problems);
  formatProblems(problems, { format: "stylish", maxProblems: 100, totals, version: "" });
  process.exitCode = totals.errors + totals.warnings > 0 ? 1 : 0;
}

main(process.argv[2]);
