import { use } from './use.mjs'

const { THEAZO_BASE_URL: baseUrl, THEAZO_API_KEY: apiKey, THEAZO_USER: userId } = process.env
console.log(JSON.stringify(await use({ baseUrl, apiKey, userId })))
