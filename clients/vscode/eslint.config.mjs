import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", 70],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  // The body of a `describe` is a list of tests, not a function.
  { files: ["test/**/*.ts"], rules: { "max-lines-per-function": "off" } },
  { files: ["**/*.mjs"], languageOptions: { globals: { process: "readonly", URL: "readonly" } } },
  // Nothing but src/editor and the entry knows the editor.
  {
    files: ["src/**/*.ts"],
    ignores: ["src/editor/**", "src/extension.ts"],
    rules: { "no-restricted-imports": ["error", { paths: ["vscode"], patterns: ["**/editor/**"] }] },
  },
);
