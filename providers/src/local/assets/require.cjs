// Loaded before the code of a TypeScript exec: modules have no `require`, and much of what models
// write uses it.
globalThis.require = require('node:module').createRequire('/workspace/')
