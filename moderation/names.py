from django.contrib.auth.validators import UnicodeUsernameValidator

username_validators = [UnicodeUsernameValidator()]
