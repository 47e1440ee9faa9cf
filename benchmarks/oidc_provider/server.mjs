// npm's oidc-provider as the peer of `benchmarks/oidc.py`: set up to do what ours does, and as quick as it comes.
//
// Its store is a Map in its own memory: what comes with the library walks over all tokens of a grant at each one that is
// added, which would be held against it here. Written to standard output once it listens: what the load is made of.
import { generateKeyPairSync } from 'node:crypto'

import Provider from 'oidc-provider'

const [port, chains] = process.argv.slice(2).map(Number)
const issuer = `http://localhost:${port}`
const RESOURCE = 'urn:example:services'
const client = {
  client_id: 'app',
  client_secret: 'a-secret-of-256-bits-let-us-say',
  redirect_uris: ['https://app.example/callback'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  id_token_signed_response_alg: 'ES256',
  scope: 'openid profile read',
}

class Memory {
  static kept = new Map()
  constructor(model) {
    this.model = model
  }
  key(id) {
    return `${this.model}:${id}`
  }
  async find(id) {
    return Memory.kept.get(this.key(id))
  }
  async upsert(id, payload) {
    Memory.kept.set(this.key(id), payload)
  }
  async consume(id) {
    Memory.kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id) {
    Memory.kept.delete(this.key(id))
  }
  async revokeByGrantId() {}
}

const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(issuer, {
  adapter: Memory,
  clients: [client],
  jwks: { keys: [{ ...signing, alg: 'ES256', use: 'sig', kid: 'one' }] },
  cookies: { keys: ['one'] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'locale'] },
  conformIdTokenClaims: false, // as ours, the ID token has the person's claims
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, name: 'Mina', preferred_username: 'mina', locale: 'ko' }),
  }),
  rotateRefreshToken: true,
  expiresWithSession: () => false,
  issueRefreshToken: () => true,
  scopes: ['openid', 'profile', 'read'],
  ttl: { AccessToken: 300, ClientCredentials: 300, Grant: 43200, IdToken: 300, RefreshToken: 43200 },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'openid profile read',
        audience: RESOURCE,
        accessTokenTTL: 300,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})

const app = await provider.Client.find('app')
const scope = 'openid profile'

async function grantOf(accountId) {
  const grant = new provider.Grant({ clientId: 'app', accountId })
  grant.addOIDCScope(scope)
  grant.addResourceScope(RESOURCE, scope)
  return grant.save()
}

async function refreshToken(number) {
  const accountId = `person-${number}`
  const token = new provider.RefreshToken({
    client: app,
    accountId,
    grantId: await grantOf(accountId),
    scope,
    gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000),
    amr: ['pwd'],
    acr: 'one',
    nonce: 'n',
    sid: `sid-${number}`,
    sessionUid: `session-${number}`,
    resource: RESOURCE,
  })
  return token.save()
}

async function accessToken() {
  const accountId = 'person-0'
  const token = new provider.AccessToken({
    client: app,
    accountId,
    grantId: await grantOf(accountId),
    scope,
    gty: 'authorization_code',
    sid: 'sid-0',
    sessionUid: 'session-0',
  })
  return token.save()
}

const made = {
  client_id: client.client_id,
  client_secret: client.client_secret,
  resource: RESOURCE,
  refresh_tokens: await Promise.all(Array.from({ length: chains }, (_, number) => refreshToken(number))),
  access_token: await accessToken(),
}
provider.listen(port, '127.0.0.1', () => process.stdout.write(JSON.stringify(made) + '\n'))
