from hypothesis import settings

settings.register_profile("move37", deadline=None, derandomize=True, database=None)
settings.load_profile("move37")
