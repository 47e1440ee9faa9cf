"""The admin policy API: drafts, versions, publishing, rolling back, explaining.

Owns: the endpoints under `/api/policy`, who may use them, and their OpenAPI document.

Does not own: what a version is or when it may be published (`policy.versions`), nor who the caller is: the gateway's
signed assertion says that.
"""
