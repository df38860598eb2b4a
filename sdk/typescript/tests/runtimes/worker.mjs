import { use } from './use.mjs'

export default {
  async fetch(request) {
    const { baseUrl, apiKey, userId } = await request.json()
    return Response.json(await use({ baseUrl, apiKey, userId }))
  },
}
