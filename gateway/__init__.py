"""The gateway: FIX sessions in front of the engine, and the composition root of the venue."""
