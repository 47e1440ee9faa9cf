// A relying app made of npm's openid-client: told over standard input what to do, one JSON object a line, it answers the same way.
import { webcrypto } from 'node:crypto'
import { createInterface } from 'node:readline'

globalThis.crypto ??= webcrypto // Debian 12 has Node.js 18
globalThis.CryptoKey ??= webcrypto.CryptoKey
const client = await import('openid-client')

const [issuer, clientId, secret, callback, afterLogout] = process.argv.slice(2)
const server = await client.discovery(new URL(issuer), clientId, undefined, client.ClientSecretBasic(secret), {
  execute: [client.allowInsecureRequests], // the issuer is http://localhost
})
client.enableNonRepudiationChecks(server) // the signature of the ID token too, not TLS alone
let asked, tokens, sub

const acts = {
  async begin() {
    asked = {
      verifier: client.randomPKCECodeVerifier(),
      state: client.randomState(),
      nonce: client.randomNonce(),
    }
    return client.buildAuthorizationUrl(server, {
      redirect_uri: callback,
      scope: 'openid profile',
      state: asked.state,
      nonce: asked.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(asked.verifier),
      code_challenge_method: 'S256',
    })
  },
  async finish({ address }) {
    tokens = await client.authorizationCodeGrant(server, new URL(address), {
      pkceCodeVerifier: asked.verifier,
      expectedState: asked.state,
      expectedNonce: asked.nonce,
      idTokenExpected: true,
    })
    sub = tokens.claims().sub
    return tokens.claims()
  },
  async refresh() {
    const before = tokens.refresh_token
    tokens = { ...(await client.refreshTokenGrant(server, before)), id_token: tokens.id_token }
    return { rotated: tokens.refresh_token !== before && Boolean(tokens.refresh_token) }
  },
  signedAnswers() {
    client.useJwtResponseMode(server)
    return {}
  },
  userinfo: () => client.fetchUserInfo(server, tokens.access_token, sub),
  introspect: () => client.tokenIntrospection(server, tokens.access_token),
  async revoke() {
    await client.tokenRevocation(server, tokens.refresh_token)
    return {}
  },
  leave: () =>
    client.buildEndSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: afterLogout,
      state: 'bye',
    }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...rest } = JSON.parse(line)
  let answer
  try {
    answer = { gave: await acts[act](rest) }
  } catch (error) {
    answer = { refused: error.error ?? error.code ?? String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
