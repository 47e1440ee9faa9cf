"""What stands above the policy for a time: roles that people were granted on request, measures against what threatens.

Owns: the pure rules of both (who may ask and approve, what may be ordered for how long, what answers an incident), and
the immutable overlay that a gateway holds beside the snapshot.

Does not own: where they are kept (`policy.storage`), who asks (`policy.admin`), nor what a measure that holds does to a
decision (`policy.judgement`).
"""
