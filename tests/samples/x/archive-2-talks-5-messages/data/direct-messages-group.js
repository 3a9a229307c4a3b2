window.YTD.direct_messages_group.part0 = [
  {
    "dmConversation": {
      "conversationId": "1700000000000000009",
      "messages": [
        {
          "messageCreate": {
            "id": "9007199254740993",
            "senderId": "1500000000000000003",
            "text": "全員へ",
            "createdAt": "2024-05-02T00:00:01.000Z",
            "mediaUrls": [],
            "urls": [],
            "reactions": []
          }
        },
        {
          "participantsJoin": {
            "initiatingUserId": "1500000000000000002",
            "userIds": [
              "1500000000000000003"
            ],
            "createdAt": "2024-05-02T00:00:00.500Z"
          }
        },
        {
          "conversationNameUpdate": {
            "name": "勉強会",
            "initiatingUserId": "1500000000000000002",
            "createdAt": "2024-05-02T00:00:00.400Z"
          }
        },
        {
          "messageCreate": {
            "id": "9007199254740993",
            "senderId": "1500000000000000001",
            "text": "どうも",
            "createdAt": "2024-05-02T00:00:00.000Z",
            "mediaUrls": [],
            "urls": [],
            "reactions": []
          }
        },
        {
          "joinConversation": {
            "initiatingUserId": "1500000000000000002",
            "participantsSnapshot": [
              "1500000000000000002",
              "1500000000000000003"
            ],
            "createdAt": "2024-05-01T23:59:00.000Z"
          }
        }
      ]
    }
  }
]