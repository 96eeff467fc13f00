"""What a shop can be told and asked, platform by platform: pure builders of commands."""
